#pragma once
#include <string>
#include <string_view>

#include "batch/pod_template.h"

/// Names and labels of what belongs to a batch. Everything is derived, so that a second create of the same
/// attempt meets the first one's name.
namespace imagebatch::cluster {

inline constexpr std::string_view kGroup = "imagebatch.dev";
inline constexpr std::string_view kApiVersion = "imagebatch.dev/v1alpha1";
inline constexpr std::string_view kBatchUidLabel = "imagebatch.dev/batch-uid";
inline constexpr std::string_view kBatchLabel = "imagebatch.dev/batch";
inline constexpr std::string_view kStageLabel = "imagebatch.dev/stage";
inline constexpr std::string_view kBuildLabel = "imagebatch.dev/build";
inline constexpr std::string_view kAttemptLabel = "imagebatch.dev/attempt";
inline constexpr std::string_view kRoundLabel = "imagebatch.dev/round";    // of reruns; absent in the first
inline constexpr std::string_view kNameLabel = "imagebatch.dev/name";      // as LabelValue; for reading only
inline constexpr std::string_view kRecordLabel = "imagebatch.dev/record";  // of records: their type
inline constexpr std::string_view kWatchLabel = "imagebatch.dev/watch";    // of Pods of no batch: true
inline constexpr std::string_view kOwnerUidLabel = "imagebatch.dev/owner-uid";  // of their records
inline constexpr std::string_view kNameAnnotation =
    "imagebatch.dev/name";  // the row's name or the key, in full
inline constexpr std::string_view kImageAnnotation = "imagebatch.dev/image";  // what the build pushes
inline constexpr std::string_view kContainerAnnotation = "kubectl.kubernetes.io/default-container";

/// SHA-256 of `text` in lower-case hexadecimal.
std::string Sha256(std::string_view text);

/// 10 characters of base32 (50 bits) that stand for one build of one batch.
inline constexpr size_t kBuildHashSize = 10;
std::string BuildHash(std::string_view batch_uid, std::string_view stage, std::string_view key);

/// `<batch, cut>-<hash>-<attempt>`, at most 63 characters, since the Job controller makes a label of it.
std::string JobName(std::string_view batch, std::string_view build_hash, int attempt);

/// `<batch, cut>-evidence-<hash>-<attempt>`, at most 63 characters too.
std::string EvidenceName(std::string_view batch, std::string_view build_hash, int attempt);

/// `text` as a label value (at most 63 characters of [A-Za-z0-9_.-], alphanumeric at both ends); for reading
/// only.
std::string LabelValue(std::string_view text);

std::string BatchPath(std::string_view ns, std::string_view name);
std::string JobsPath(std::string_view ns);
std::string PodsPath(std::string_view ns);
std::string ConfigMapsPath(std::string_view ns);
std::string RecordsPath(std::string_view ns);
std::string EventsPath(std::string_view ns);

}  // namespace imagebatch::cluster
