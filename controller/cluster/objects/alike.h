#pragma once
#include <string>
#include <string_view>

namespace imagebatch::cluster {

/// By what hangs that are alike are known: they are one group, with one alert.
struct Alike {
  std::string fingerprint;  // contract::kFingerprintBytes hexadecimal digits
  std::string summary;      // what they have in common; printable, at most contract::kSummaryBytes

  bool operator==(const Alike&) const = default;
};

/// Of a hang whose runner tells no more, because it is an older one, or of a build without a runner: hangs of
/// one class and reason are alike.
Alike AlikeByReason(std::string_view class_name, std::string_view reason);

/// As the runner says it of a hang of this class and reason. It is untrusted: what is no fingerprint is none.
Alike AlikeOf(std::string fingerprint, std::string_view summary, std::string_view class_name,
              std::string_view reason);

/// Whether `text` can be a fingerprint.
bool IsFingerprint(std::string_view text);

}  // namespace imagebatch::cluster
