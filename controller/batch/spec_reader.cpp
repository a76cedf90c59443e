#include <algorithm>
#include <limits>
#include <utility>

#include "base/text.h"
#include "batch/expand.h"
#include "batch/fields.h"
#include "batch/names.h"
#include "batch/pod_template.h"
#include "batch/read.h"
#include "batch/read_policies.h"
#include "batch/references.h"
#include "batch/template_strings.h"

// The ranges, defaults and patterns below stand in manifests/crd.yaml too, where the API server checks them;
// a file that never was in a cluster is checked here.
namespace imagebatch::batch {
namespace {

using nlohmann::json;

constexpr size_t kMaxInlineRows = 2000;
constexpr size_t kMaxSelected = 2000;  // inline
constexpr size_t kMaxConfigMaps = 64;
constexpr size_t kMaxVariables = 64;
constexpr size_t kMaxVariable = 4096;
constexpr size_t kMaxStages = 10;
constexpr size_t kMaxStageName = 40;
constexpr size_t kMaxPattern = 1024;  // nameFrom, key, image
constexpr size_t kMaxName = 253;      // of a row, too
constexpr const char* kNul = "holds a NUL byte, which no argument or environment variable can have";

void CheckReference(std::string_view name, const Stage* stage, Field field, const std::string& where,
                    Problems& problems) {
  if (std::string problem = ReferenceProblem(stage, field, name); !problem.empty()) {
    problems.Add(where, std::move(problem));
  }
}

void CheckReferences(std::string_view text, const Stage* stage, Field field, const std::string& where,
                     Problems& problems) {
  for (const Piece& piece : ParseReferences(text, Dollars::Single)) {
    if (piece.is_name) CheckReference(piece.text, stage, field, where, problems);
  }
}

ConfigMapKey ReadConfigMapKey(const json& value, const std::string& path, Problems& problems) {
  Fields source(value, path, problems);
  ConfigMapKey read{source.RequiredString("name", kMaxName), source.RequiredString("key", kMaxName)};
  source.RefuseOthers();
  if (!read.name.empty() && !IsDnsSubdomain(read.name)) {
    source.Add("name", Quote(read.name) + " is not a name of a ConfigMap");
  }
  return read;
}

Select ReadSelect(const json& value, const std::string& path, Problems& problems) {
  Select select;
  Fields fields(value, path, problems);
  const json* names = fields.Find("names");
  const json* config_map = fields.Find("configMap");
  if (value.is_object() && (names == nullptr) == (config_map == nullptr)) {
    problems.Add(path, names != nullptr ? "has both names and configMap; give only one of them"
                                        : "needs names or configMap; remove select to take all rows");
  }
  if (names != nullptr && *names == json::array()) {
    fields.Add("names", "is empty; name a row, or remove select to take all rows");
  }
  for (const json& name : fields.Array("names", kMaxSelected)) {
    if (name.is_string() && !name.get_ref<const std::string&>().empty()) {
      select.names.push_back(name.get<std::string>());
    } else {
      fields.Add("names", "holds " + (name.is_string() ? "an empty string" : name.dump()) +
                              "; each must be the name of a row, as a string");
    }
  }
  if (config_map != nullptr)
    select.config_map = ReadConfigMapKey(*config_map, fields.PathOf("configMap"), problems);
  fields.RefuseOthers();
  return select;
}

Images ReadImages(const json& value, const std::string& path, Problems& problems) {
  Images images;
  Fields fields(value, path, problems);
  images.rows = fields.Array("rows", kMaxInlineRows);
  const std::vector<json> config_maps = fields.Array("configMaps", kMaxConfigMaps);
  for (size_t i = 0; i < config_maps.size(); ++i) {
    const std::string where = fields.PathOf("configMaps") + "[" + std::to_string(i) + "]";
    ConfigMapKey read = ReadConfigMapKey(config_maps[i], where, problems);
    const auto same = [&](const ConfigMapKey& other) {
      return other.name == read.name && other.key == read.key;
    };
    if (std::any_of(images.config_maps.begin(), images.config_maps.end(), same)) {
      problems.Add(where, "is listed twice");
    }
    images.config_maps.push_back(std::move(read));
  }
  images.name_from = fields.String("nameFrom", images.name_from, kMaxPattern);
  CheckReferences(images.name_from, nullptr, Field::NameFrom, fields.PathOf("nameFrom"), problems);
  if (const json* select = fields.Find("select")) {
    images.select = ReadSelect(*select, fields.PathOf("select"), problems);
  }
  images.limit = static_cast<size_t>(fields.Integer("limit", 0, 0, kMaxBuilds));
  images.seed =
      static_cast<uint32_t>(fields.Integer("seed", images.seed, 0, std::numeric_limits<uint32_t>::max()));
  fields.RefuseOthers();
  const bool rows = fields.Find("rows") != nullptr;
  const bool sources = fields.Find("configMaps") != nullptr;
  if (value.is_object() && rows == sources) {
    problems.Add(path,
                 rows ? "has both rows and configMaps; give only one of them" : "needs rows or configMaps");
  }
  return images;
}

std::map<std::string, std::string> ReadVariables(const json& value, const std::string& path,
                                                 Problems& problems) {
  std::map<std::string, std::string> variables;
  Fields fields(value, path, problems);
  if (!value.is_object()) return variables;
  if (value.size() > kMaxVariables) {
    problems.Add(
        path, "has " + std::to_string(value.size()) + " variables, at most " + std::to_string(kMaxVariables));
    return variables;
  }
  for (const auto& [name, member] : value.items()) {
    if (!IsColumnName(name)) {
      problems.Add(path, "the name " + Quote(name) + " must be a letter or _, then letters, digits, _ . -");
    } else if (IsReservedName(name)) {
      fields.Add(name, "this name is reserved: $(" + name + ") already has a meaning");
    } else if (member.is_null()) {
      fields.Add(name, "must be a string");
    } else {
      variables[name] = fields.String(name, "", kMaxVariable);
      if (variables[name].find('\0') != std::string::npos) fields.Add(name, kNul);
    }
  }
  return variables;
}

void ReadNeeds(const std::vector<json>& value, const std::vector<std::string>& all, size_t index,
               Stage& stage, const std::string& path, Problems& problems) {
  for (size_t i = 0; i < value.size(); ++i) {
    const std::string where = path + "[" + std::to_string(i) + "]";
    if (!value[i].is_string()) {
      problems.Add(where, "must be the name of a stage");
      continue;
    }
    const auto name = value[i].get<std::string>();
    const auto at = static_cast<size_t>(std::find(all.begin(), all.end(), name) - all.begin());
    if (at == all.size()) {
      const std::vector<std::string_view> earlier(all.begin(), all.begin() + static_cast<ptrdiff_t>(index));
      problems.Add(where, "there is no stage " + Quote(name) + DidYouMean(name, earlier));
    } else if (at == index) {
      problems.Add(where, "a stage cannot need itself");
    } else if (at > index) {
      problems.Add(where, "stage " + Quote(name) + " comes later; a stage can only need earlier stages");
    } else if (std::find(stage.needs.begin(), stage.needs.end(), name) != stage.needs.end()) {
      problems.Add(where, "stage " + Quote(name) + " is listed twice");
    } else {
      stage.needs.push_back(name);
    }
  }
}

Stage ReadStage(const json& value, const std::vector<std::string>& all, size_t index, const std::string& path,
                Problems& problems) {
  Stage stage;
  Fields fields(value, path, problems);
  stage.name = fields.RequiredString("name", 253);
  if (!stage.name.empty() && !IsDnsLabel(stage.name, kMaxStageName)) {
    fields.Add("name", Quote(stage.name) +
                           " must be a DNS label: lower-case letters, digits and -, at most " +
                           std::to_string(kMaxStageName));
  } else if (std::find(all.begin(), all.end(), stage.name) - all.begin() < static_cast<ptrdiff_t>(index)) {
    fields.Add("name", Quote(stage.name) + " is the name of an earlier stage");
  }
  const std::vector<json> needs = fields.Array("needs", kMaxStages - 1);
  ReadNeeds(needs, all, index, stage, fields.PathOf("needs"), problems);
  stage.parallelism = static_cast<int>(fields.Integer("parallelism", 0, 1, 10000));
  stage.key = fields.String("key", stage.key, kMaxPattern);
  stage.image = fields.RequiredString("image", kMaxPattern);
  CheckReferences(stage.key, &stage, Field::Key, fields.PathOf("key"), problems);
  CheckReferences(stage.image, &stage, Field::Image, fields.PathOf("image"), problems);
  if (const json* pod_template = fields.Require("template")) {
    stage.pod_template = *pod_template;
    const std::string where = fields.PathOf("template");
    CheckPodTemplate(stage.pod_template, where, problems);
    const KubeletVariables kubelets(stage.pod_template);
    ForEachString(stage.pod_template, [&](const TemplatePath& at, std::string& text) {
      if (text.find('\0') != std::string::npos) problems.Add(where + "." + ToString(at), kNul);
      for (const Piece& piece : ParseReferences(text, Dollars::Single)) {
        if (!piece.is_name || kubelets.Has(at, piece.text)) continue;
        CheckReference(piece.text, &stage, Field::Template, where + "." + ToString(at), problems);
      }
    });
  }
  if (const json* hang = fields.Find("hang")) stage.hang = ReadHang(*hang, fields.PathOf("hang"), problems);
  if (const json* stall = fields.Find("stall")) {
    stage.stall = ReadStall(*stall, fields.PathOf("stall"), problems);
  }
  fields.RefuseOthers();
  return stage;
}

std::vector<Stage> ReadStages(Fields& spec, Problems& problems) {
  const std::string path = spec.PathOf("stages");
  const std::vector<json> list = spec.Array("stages", kMaxStages);
  if (const json* value = spec.Require("stages"); value != nullptr && *value == json::array()) {
    problems.Add(path, "needs at least one stage");
  }
  std::vector<std::string>
      names;  // of all stages, so that a later one can be told from one that is not there
  for (const json& stage : list) {
    const bool named = stage.is_object() && stage.contains("name") && stage["name"].is_string();
    names.push_back(named ? stage["name"].get<std::string>() : "");
  }
  std::vector<Stage> stages;
  for (size_t i = 0; i < list.size(); ++i) {
    stages.push_back(ReadStage(list[i], names, i, path + "[" + std::to_string(i) + "]", problems));
  }
  return stages;
}

void ReadSpec(const json& value, Batch& batch, Problems& problems) {
  Fields spec(value, "spec", problems);
  batch.parallelism = static_cast<int>(spec.Integer("parallelism", batch.parallelism, 1, 10000));
  batch.suspend = spec.Bool("suspend", batch.suspend);
  const std::string existing = spec.String("existing", "Rebuild", 16);
  if (existing != "Rebuild" && existing != "Skip")
    spec.Add("existing", Quote(existing) + " must be Rebuild or Skip");
  batch.skip_existing = existing == "Skip";
  if (const json* images = spec.Require("images")) {
    batch.images = ReadImages(*images, spec.PathOf("images"), problems);
  }
  if (const json* variables = spec.Find("variables")) {
    batch.variables = ReadVariables(*variables, spec.PathOf("variables"), problems);
  }
  batch.stages = ReadStages(spec, problems);
  batch.backoff_limit = static_cast<int>(spec.Integer("backoffLimit", batch.backoff_limit, 0, 100));
  batch.infrastructure_retry_limit =
      static_cast<int>(spec.Integer("infrastructureRetryLimit", batch.infrastructure_retry_limit, 0, 100));
  if (const json* hang = spec.Find("hang")) {
    batch.hang = Override(batch.hang, ReadHang(*hang, spec.PathOf("hang"), problems));
  }
  if (const json* stall = spec.Find("stall")) {
    batch.stall = Override(batch.stall, ReadStall(*stall, spec.PathOf("stall"), problems));
  }
  batch.shutdown = ReadShutdown(spec);
  constexpr int kMostBuilds = 100000;
  batch.first_builds = static_cast<int>(spec.Integer("firstBuilds", 0, 0, kMostBuilds));
  if (spec.Find("maxFailedBuilds") != nullptr)
    batch.max_failed_builds = static_cast<int>(spec.Integer("maxFailedBuilds", 0, 0, kMostBuilds));
  if (const json* rerun = spec.Find("rerun")) {
    batch.rerun = ReadRerun(*rerun, spec.PathOf("rerun"), problems);
  }
  batch.active_deadline_seconds =
      spec.Integer("activeDeadlineSeconds", batch.active_deadline_seconds, 0, kYear);
  batch.ttl_seconds_after_finished =
      spec.Integer("ttlSecondsAfterFinished", batch.ttl_seconds_after_finished, -1, kYear);
  spec.RefuseOthers();
}

void ReadMetadata(const json& value, Batch& batch, Problems& problems) {
  Fields metadata(value, "metadata", problems);  // much more may stand in it; all that is Kubernetes' own
  batch.name = metadata.RequiredString("name", 63);
  if (!batch.name.empty() && !IsDnsSubdomain(batch.name)) {
    metadata.Add("name", Quote(batch.name) + " must be lower-case letters, digits, - and .");
  }
  batch.ns = metadata.String("namespace", "", 63);
  batch.uid = metadata.String("uid", "", 64);
  batch.generation = metadata.Integer("generation", 0, 0, std::numeric_limits<int64_t>::max());
}

}  // namespace

tl::expected<Batch, std::vector<Problem>> ReadBatch(const json& object) {
  Problems problems("ImageBatch");
  if (!object.is_object()) {
    problems.Add("ImageBatch", "must be an object");
    return tl::unexpected(problems.Take());
  }
  Batch batch;
  for (const auto& [name, expected] :
       {std::pair{"apiVersion", "imagebatch.dev/v1alpha1"}, std::pair{"kind", "ImageBatch"}}) {
    const auto found = object.find(name);
    if (found == object.end() || *found != expected) {
      problems.Add(name, std::string("must be ") + expected);
    }
  }
  const json empty = json::object();
  ReadMetadata(object.contains("metadata") ? object["metadata"] : empty, batch, problems);
  for (const auto& [name, value] : object.items()) {
    const std::vector<std::string_view> known = {"apiVersion", "kind", "metadata", "spec", "status"};
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      problems.Add(name, "unknown field" + DidYouMean(name, known));
    }
  }
  if (object.contains("spec") && object["spec"] == kTooDeep) {
    problems.Add("spec", kTooDeep);
  } else if (object.contains("spec")) {
    ReadSpec(object["spec"], batch, problems);
  } else {
    problems.Add("spec", "is required");
  }
  if (!problems.Empty()) return tl::unexpected(problems.Take());
  return batch;
}

}  // namespace imagebatch::batch
