#include "cluster/objects/record.h"

#include "cluster/objects/job_object.h"
#include "cluster/objects/json_fields.h"
#include "cluster/objects/names.h"

namespace imagebatch::cluster {

using nlohmann::json;

namespace {

std::string_view NameOf(RecordType type) { return type == RecordType::Results ? "Results" : "Evidence"; }

}  // namespace

std::string_view LabelOf(RecordType type) { return type == RecordType::Results ? "results" : "evidence"; }

RecordOwner OwnerOf(const batch::Batch& batch) {
  return {batch.ns,
          batch.name,
          batch.uid,
          std::string(kBatchUidLabel),
          {{std::string(kBatchLabel), LabelValue(batch.name)}},
          json::array({OwnerReference(batch)})};
}

RecordOwner OwnerOf(const WatchedPod& watched) {
  const auto& [api_version, kind, name, uid] = watched.owner;
  const json reference = {{"apiVersion", api_version}, {"kind", kind}, {"name", name}, {"uid", uid}};
  return {watched.pod.ns, name, uid, std::string(kOwnerUidLabel), json::object(), json::array({reference})};
}

json RecordObject(const RecordOwner& owner, RecordType type, const std::string& name) {
  json labels = owner.labels;
  labels[owner.uid_label] = owner.uid;
  labels[std::string(kRecordLabel)] = LabelOf(type);
  return {{"apiVersion", kApiVersion},
          {"kind", kRecordKind},
          {"metadata", {{"name", name}, {"labels", labels}, {"ownerReferences", owner.references}}},
          {"type", NameOf(type)}};
}

std::optional<StoredResults> ParseStoredResults(std::string_view record) {
  StoredResults stored;
  const bool whole = WithRoot(record, [&](sj::value root) {
    Fields(root, [&](std::string_view part, sj::value value) {
      if (part == "metadata") {
        Fields(value, [&](std::string_view key, sj::value inner) {
          if (key == "resourceVersion") stored.version = Text(inner);
          if (key != "labels") return;
          Fields(inner, [&](std::string_view label, sj::value text) {
            if (label == kBatchUidLabel) stored.batch_uid = Text(text);
          });
        });
      }
      if (part == "results") {
        Items(value, [&](sj::value result) {
          std::string_view line;
          if (!simdjson::to_json_string(result).get(line)) stored.lines.emplace_back(line);
        });
      }
    });
  });
  if (!whole || stored.version.empty()) return std::nullopt;
  return stored;
}

// To replace the version demands it: where it has moved on, the API server sees a conflict.
std::string AppendPatch(const std::string& version, const std::vector<std::string>& lines) {
  std::string patch =
      "[" + json{{"op", "replace"}, {"path", "/metadata/resourceVersion"}, {"value", version}}.dump();
  for (const std::string& line : lines)
    patch.append(R"(,{"op":"add","path":"/results/-","value":)").append(line).append("}");
  return patch + "]";
}

}  // namespace imagebatch::cluster
