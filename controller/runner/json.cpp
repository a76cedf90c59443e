#include "runner/json.h"

#include <cmath>
#include <cstdio>

namespace imagebatch::runner {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD
constexpr std::string_view kCut = "...";

uint8_t Byte(std::string_view text, size_t index) { return static_cast<uint8_t>(text[index]); }

/// The length of the UTF-8 sequence at the start of `text`; 0 where that is none (RFC 3629: no overlong
/// forms, no surrogates, nothing above U+10FFFF).
size_t SequenceLength(std::string_view text) {
  const uint8_t lead = Byte(text, 0);
  size_t length = 0;
  uint8_t lowest = 0x80;
  uint8_t highest = 0xBF;
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) length = 2;
  if (lead >= 0xE0 && lead <= 0xEF) length = 3;
  if (lead >= 0xF0 && lead <= 0xF4) length = 4;
  if (length == 0 || text.size() < length) return 0;
  if (lead == 0xE0) lowest = 0xA0;
  if (lead == 0xED) highest = 0x9F;
  if (lead == 0xF0) lowest = 0x90;
  if (lead == 0xF4) highest = 0x8F;
  if (Byte(text, 1) < lowest || Byte(text, 1) > highest) return 0;
  for (size_t index = 2; index < length; ++index) {
    if ((Byte(text, index) & 0xC0) != 0x80) return 0;
  }
  return length;
}

/// The next character of `text` as it stands in JSON; takes it off `text`. `buffer` may hold the result.
std::string_view TakeEscaped(std::string_view& text, char (&buffer)[8]) {
  const size_t length = SequenceLength(text);
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
  if (length > 1 || (Byte(character, 0) >= 0x20 && Byte(character, 0) != 0x7F)) return character;
  snprintf(buffer, sizeof buffer, "\\u%04x", Byte(character, 0));
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
