#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace imagebatch {

/// A short name for a sequence of texts, the same wherever and whenever it is made (FNV-1a, 64 bits). Not for
/// security: whoever wants two sequences to have one name can make them so.
class Fingerprint {
 public:
  void Add(std::string_view text) {
    for (const char byte : text) Mix(static_cast<unsigned char>(byte));
    Mix(0xFF);  // in no text that is printable
  }

  /// Hexadecimal, in lower case; at most 16.
  std::string Digits(size_t count) const {
    constexpr std::string_view kDigits = "0123456789abcdef";
    const uint64_t folded = hash_ ^ hash_ >> 48;
    std::string digits;
    for (size_t index = 0; index < count; ++index) digits += kDigits[folded >> (4 * index) & 0xF];
    return digits;
  }

 private:
  void Mix(unsigned char byte) { hash_ = (hash_ ^ byte) * uint64_t{0x100000001B3}; }

  uint64_t hash_ = 0xCBF29CE484222325;
};

}  // namespace imagebatch
