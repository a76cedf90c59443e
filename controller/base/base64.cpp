#include "base/base64.h"

#include <algorithm>
#include <cstdint>

namespace imagebatch {
namespace {

/// 0..63, or -1 for a character outside the alphabet.
int Value(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+') return 62;
  return c == '/' ? 63 : -1;
}

}  // namespace

Result<std::string> DecodeBase64(std::string_view text) {
  std::string out;
  out.reserve(text.size() / 4 * 3);
  uint32_t bits = 0;
  int digits = 0, padding = 0;
  for (const char c : text) {
    if (c == '\n' || c == '\r') continue;
    const int value = c == '=' ? 0 : Value(c);
    if (value < 0 || (c != '=' && padding > 0)) return Fail("not base64");
    padding += c == '=' ? 1 : 0;
    bits = bits << 6 | static_cast<uint32_t>(value);
    if (++digits % 4 != 0) continue;
    for (int shift = 16; shift >= 0; shift -= 8) out.push_back(static_cast<char>(bits >> shift & 0xFF));
  }
  if (digits % 4 != 0 || padding > 2) return Fail("not base64: its length is wrong");
  out.resize(out.size() - static_cast<size_t>(padding));
  return out;
}

std::string EncodeBase64(std::string_view bytes) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (size_t at = 0; at < bytes.size(); at += 3) {
    uint32_t bits = 0;
    for (size_t i = 0; i < 3; ++i)
      bits = bits << 8 | (at + i < bytes.size() ? static_cast<unsigned char>(bytes[at + i]) : 0U);
    const size_t digits = 1 + std::min<size_t>(3, bytes.size() - at);
    for (size_t i = 0; i < 4; ++i)
      text.push_back(i < digits ? kDigits[bits >> (18 - 6 * static_cast<uint32_t>(i)) & 63] : '=');
  }
  return text;
}

}  // namespace imagebatch
