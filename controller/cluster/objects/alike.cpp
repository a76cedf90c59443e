#include "cluster/objects/alike.h"

#include <utility>

#include "base/fingerprint.h"
#include "base/text.h"
#include "contract/contract.h"

namespace imagebatch::cluster {
bool IsFingerprint(std::string_view text) {
  return text.size() == contract::kFingerprintBytes &&
         text.find_first_not_of("0123456789abcdef") == text.npos;
}

Alike AlikeByReason(std::string_view class_name, std::string_view reason) {
  Alike alike;
  Fingerprint print;
  print.Add(class_name);
  print.Add(reason);
  alike.fingerprint = print.Digits(contract::kFingerprintBytes);
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
