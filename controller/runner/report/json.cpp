#include "runner/report/json.h"

#include <cmath>
#include <cstdio>

#include "base/text.h"

namespace imagebatch::runner {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD
constexpr std::string_view kCut = "...";

/// The next character of `text` as it stands in JSON; takes it off `text`. `buffer` may hold the result.
std::string_view TakeEscaped(std::string_view& text, char (&buffer)[8]) {
  const size_t length = Utf8Length(text, 0);
  const std::string_view character = text.substr(0, length);
  text.remove_prefix(length == 0 ? 1 : length);
  if (length == 0) return kReplacement;
  switch (character.front()) {
    case '"':
      return "\\\"";
    case '\\':
      return "\\\\";
    case '\n':
      return "\\n";
    case '\t':
      return "\\t";
    default:
      break;
  }
  const auto byte = static_cast<uint8_t>(character.front());
  if (length > 1 || (byte >= 0x20 && byte != 0x7F)) return character;
  snprintf(buffer, sizeof buffer, "\\u%04x", byte);
  return buffer;
}

}  // namespace

void JsonWriter::Separate() {
  if (text_.empty()) return;
  const char last = text_.back();
  if (last != '{' && last != '[' && last != ':') text_ += ',';
}

JsonWriter& JsonWriter::BeginObject() {
  Separate();
  text_ += '{';
  return *this;
}

JsonWriter& JsonWriter::EndObject() {
  text_ += '}';
  return *this;
}

JsonWriter& JsonWriter::BeginArray() {
  Separate();
  text_ += '[';
  return *this;
}

JsonWriter& JsonWriter::EndArray() {
  text_ += ']';
  return *this;
}

JsonWriter& JsonWriter::Key(std::string_view name) {
  Separate();
  text_ += '"';
  text_ += name;
  text_ += "\":";
  return *this;
}

JsonWriter& JsonWriter::String(std::string_view text, size_t limit) {
  Separate();
  text_ += '"';
  const size_t start = text_.size();
  size_t fits = start;  // where the text ends that leaves room for the sign of a cut
  char buffer[8];
  while (!text.empty()) {
    text_ += TakeEscaped(text, buffer);
    const size_t length = text_.size() - start;
    if (length + kCut.size() <= limit) fits = text_.size();
    if (length > limit) {
      text_.resize(fits);
      if (kCut.size() <= limit) text_ += kCut;
      break;
    }
  }
  text_ += '"';
  return *this;
}

JsonWriter& JsonWriter::Integer(int64_t number) {
  Separate();
  text_ += std::to_string(number);
  return *this;
}

JsonWriter& JsonWriter::Decimal(double number) {
  if (!std::isfinite(number)) return Null();
  Separate();
  char buffer[352];  // the longest double, written out
  snprintf(buffer, sizeof buffer, "%.3f", number);
  std::string_view text = buffer;
  while (text.ends_with('0')) text.remove_suffix(1);
  if (text.ends_with('.')) text.remove_suffix(1);
  text_ += text == "-0" ? "0" : text;
  return *this;
}

JsonWriter& JsonWriter::Null() {
  Separate();
  text_ += "null";
  return *this;
}

}  // namespace imagebatch::runner
