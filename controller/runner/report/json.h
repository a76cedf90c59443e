#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace imagebatch::runner {

/// Writes JSON from front to back into one string. What it writes is always valid: text is escaped, and bytes
/// that are not UTF-8 become U+FFFD. The caller closes what it opens.
class JsonWriter {
 public:
  JsonWriter& BeginObject();
  JsonWriter& EndObject();
  JsonWriter& BeginArray();
  JsonWriter& EndArray();
  /// A member's name; its value follows. Names are our own and need no escapes.
  JsonWriter& Key(std::string_view name);

  /// A text of at most `limit` bytes between its quotes, escapes counted; what is longer ends with "...".
  JsonWriter& String(std::string_view text, size_t limit);
  JsonWriter& Integer(int64_t number);
  /// With up to three decimals.
  JsonWriter& Decimal(double number);
  JsonWriter& Null();

  const std::string& Text() const { return text_; }

 private:
  void Separate();

  std::string text_;
};

}  // namespace imagebatch::runner
