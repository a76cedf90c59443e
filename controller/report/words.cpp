#include "report/words.h"

#include <array>
#include <cmath>
#include <cstdio>

#include "base/text.h"

namespace imagebatch::report {
namespace {

/// Whether the character at `at`, of `length` bytes, turns the direction of text: U+061C, U+200E, U+200F,
/// U+202A..U+202E, U+2066..U+2069; or ends a line: U+2028, U+2029.
bool Misleads(std::string_view text, size_t at, size_t length) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[at + i]); };
  if (length == 2) return byte(0) == 0xD8 && byte(1) == 0x9C;
  if (length != 3 || byte(0) != 0xE2) return false;
  if (byte(1) == 0x80) return byte(2) == 0x8E || byte(2) == 0x8F || (byte(2) >= 0xA8 && byte(2) <= 0xAE);
  return byte(1) == 0x81 && byte(2) >= 0xA6 && byte(2) <= 0xA9;
}

std::string WithoutTurns(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    const size_t length = Utf8Length(text, i);
    if (Misleads(text, i, length)) {
      out.push_back('?');
    } else {
      out.append(text.substr(i, length == 0 ? 1 : length));
    }
    i += length == 0 ? 1 : length;
  }
  return out;
}

}  // namespace

std::string OneLine(std::string_view text, size_t limit) { return WithoutTurns(Printable(text, limit)); }

std::string ManyLines(std::string_view text, size_t limit) {
  std::string out;
  while (!text.empty() && out.size() < limit) {
    const std::string_view line = text.substr(0, text.find('\n'));
    out.append(OneLine(line, limit)).push_back('\n');
    text.remove_prefix(line.size() < text.size() ? line.size() + 1 : text.size());
  }
  if (!out.empty()) out.pop_back();
  return Cut(out, limit);
}

std::string Html(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 8);
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out.push_back(c);
    }
  }
  return out;
}

std::string Markdown(std::string_view text) {
  // Entities are never markup; a ':' or "www." could begin a link, '@' a mention, '#' an issue
  constexpr std::string_view kMarkup = "\\`*_{}[]()<>#|~!$&@:^\"";
  std::string out;
  out.reserve(text.size() + 8);
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool web = c == '.' && i >= 3 && (text[i - 1] | 0x20) == 'w';
    if (web || kMarkup.find(c) != std::string_view::npos) {
      out += "&#" + std::to_string(static_cast<int>(c)) + ";";
    } else {
      out.push_back(c == '\n' || c == '\r' ? ' ' : c);
    }
  }
  return out;
}

std::string JsonForHtml(std::string_view json) {
  std::string out;
  out.reserve(json.size());
  for (size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    const std::string_view three = json.substr(i, 3);
    if (c == '<') {
      out += "\\u003c";
    } else if (three == "\xE2\x80\xA8" || three == "\xE2\x80\xA9") {
      out += three.back() == '\xA8' ? "\\u2028" : "\\u2029";
      i += 2;
    } else {
      out.push_back(c);
    }
  }
  return out;
}

std::string Span(std::optional<double> seconds) {
  constexpr double kMost = 1e12;
  if (!seconds || !std::isfinite(*seconds)) return "n/a";
  const auto whole = static_cast<long long>(std::llround(std::min(std::max(*seconds, 0.0), kMost)));
  std::array<char, 48> text{};
  if (whole >= 3600) {
    std::snprintf(text.data(), text.size(), "%lldh %02lldm %02llds", whole / 3600, whole / 60 % 60,
                  whole % 60);
  } else if (whole >= 60) {
    std::snprintf(text.data(), text.size(), "%lldm %02llds", whole / 60, whole % 60);
  } else {
    std::snprintf(text.data(), text.size(), "%llds", whole);
  }
  return text.data();
}

std::string IsoTime(Time time) {
  const bool whole = time.time_since_epoch().count() % 1000 == 0;
  std::string text = whole ? FormatTime(time) : FormatTimeMillis(time);
  if (text.ends_with('Z')) text.pop_back();
  return text + "+00:00";
}

}  // namespace imagebatch::report
