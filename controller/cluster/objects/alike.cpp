#include "cluster/objects/alike.h"

#include <cstdint>
#include <initializer_list>
#include <utility>

#include "base/text.h"
#include "contract/contract.h"

namespace imagebatch::cluster {
namespace {

constexpr std::string_view kDigits = "0123456789abcdef";

/// FNV-1a.
uint64_t Hash(std::initializer_list<std::string_view> texts) {
  constexpr uint64_t kPrime = 0x100000001B3;
  uint64_t hash = 0xCBF29CE484222325;
  for (const std::string_view text : texts) {
    for (const char byte : text) hash = (hash ^ static_cast<unsigned char>(byte)) * kPrime;
    hash = (hash ^ 0xFF) * kPrime;  // in no text that is printable
  }
  return hash;
}

}  // namespace

bool IsFingerprint(std::string_view text) {
  return text.size() == contract::kFingerprintBytes && text.find_first_not_of(kDigits) == text.npos;
}

Alike AlikeByReason(std::string_view class_name, std::string_view reason) {
  Alike alike;
  const uint64_t hash = Hash({class_name, reason});
  for (size_t digit = 0; digit < contract::kFingerprintBytes; ++digit)
    alike.fingerprint += kDigits[hash >> (4 * digit) & 0xF];
  alike.summary = Printable(reason.empty() ? class_name : reason, contract::kSummaryBytes);
  return alike;
}

Alike AlikeOf(std::string fingerprint, std::string_view summary, std::string_view class_name,
              std::string_view reason) {
  Alike by_reason = AlikeByReason(class_name, reason);
  if (!IsFingerprint(fingerprint)) return by_reason;
  // An account with little room has the fingerprint alone.
  if (summary.empty()) return {std::move(fingerprint), std::move(by_reason.summary)};
  return {std::move(fingerprint), Printable(summary, contract::kSummaryBytes)};
}

}  // namespace imagebatch::cluster
