#pragma once
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "batch/types.h"
#include "cluster/objects/views.h"

/// ImageBatchRecord: what is kept of a batch beside its status. A kind of its own, so that the controller
/// writes no ConfigMap, and no quota of ConfigMaps and no ConfigMap of that name stands in its way.
namespace imagebatch::cluster {

inline constexpr std::string_view kRecordKind = "ImageBatchRecord";

enum class RecordType { Results, Evidence };

/// The value of the label imagebatch.dev/record: "results", "evidence".
std::string_view LabelOf(RecordType type);

/// Whom records belong to: they are found by it and go with it.
struct RecordOwner {
  std::string ns, name, uid;
  std::string uid_label;      // the label of a record that has the owner's UID
  nlohmann::json labels;      // what labels it has beside that
  nlohmann::json references;  // its ownerReferences
};
RecordOwner OwnerOf(const batch::Batch& batch);
/// The Pod's controller. It does not wait for its records to be deleted first: that would take a right on it.
RecordOwner OwnerOf(const WatchedPod& watched);

/// A record without its content, labelled and owned.
nlohmann::json RecordObject(const RecordOwner& owner, RecordType type, const std::string& name);

/// A record of results, as it is stored.
struct StoredResults {
  std::string batch_uid;  // by its label; empty where it has none
  std::string version;
  std::vector<std::string> lines;  // each a JSON object
};

/// Nothing where the text is no record that an API server would send.
std::optional<StoredResults> ParseStoredResults(std::string_view record);

/// A JSON Patch (RFC 6902) that adds `lines`, JSON objects, to a record of results of this version and of no
/// other: any other is a conflict. Its size is that of the lines, however many stand there already.
std::string AppendPatch(const std::string& version, const std::vector<std::string>& lines);

}  // namespace imagebatch::cluster
