#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "batch/stage_uses.h"
#include "support.h"

namespace imagebatch::batch {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::IsEmpty;

TEST(ReadBatch, FillsInDefaults) {
  const auto batch = ReadBatch(ValidObject());
  ASSERT_TRUE(batch) << Lines(batch.error())[0];
  EXPECT_EQ(batch->name, "b");
  EXPECT_EQ(batch->ns, "n");
  EXPECT_EQ(batch->uid, "u");
  EXPECT_EQ(batch->generation, 3);
  EXPECT_EQ(batch->parallelism, 50);
  EXPECT_FALSE(batch->suspend);
  EXPECT_EQ(batch->images.name_from, "$(name)");
  EXPECT_EQ(batch->stages.at(0).key, "$(name)");
  EXPECT_EQ(batch->hang.action, HangAction::Flag);
}

TEST(ReadBatch, ReadsTheSample) {
  const auto object = document::ReadYaml(FileText("manifests/samples/two-stages.yaml"), 1 << 20);
  ASSERT_TRUE(object) << object.error().message;
  const auto batch = ReadBatch(*object);
  ASSERT_TRUE(batch) << Lines(batch.error())[0];
  Rows rows(UsedColumns(*batch));
  std::vector<Problem> problems;
  ReadInlineRows(batch->images, rows, problems);
  ASSERT_THAT(Lines(problems), IsEmpty());
  const auto expansion = Expand(*batch, std::move(rows));
  ASSERT_TRUE(expansion) << Lines(expansion.error())[0];
  EXPECT_EQ(expansion->builds.size(), 3U + 4U);
}

TEST(ReadBatch, ReadsWhatIsGiven) {
  json object = ValidObject();
  object["spec"].update(json::parse(R"json({
    "parallelism": 7, "suspend": true, "backoffLimit": 0, "infrastructureRetryLimit": 1,
    "hang": {"deadlockSeconds": 3, "idleSeconds": 5, "silentSeconds": 4, "deadlineSeconds": 6,
             "slowFactor": 7, "action": "Retry",
             "expect": [{"pattern": "^step", "withinSeconds": 60},
                        {"pattern": "(a|b)$", "withinSeconds": 60, "firstSeconds": 600}]},
    "stall": {"afterSeconds": 9, "initSeconds": 10, "action": "Retry"},
    "shutdown": "Terminate", "firstBuilds": 3, "maxFailedBuilds": 0,
    "activeDeadlineSeconds": 8, "ttlSecondsAfterFinished": -1, "variables": {"v": "x"},
    "images": {"configMaps": [{"name": "m", "key": "k"}], "nameFrom": "$(id)"}})json"));
  const auto batch = ReadBatch(object);
  ASSERT_TRUE(batch) << Lines(batch.error())[0];
  EXPECT_EQ(batch->parallelism, 7);
  EXPECT_TRUE(batch->suspend);
  EXPECT_EQ(batch->backoff_limit, 0);
  EXPECT_EQ(batch->infrastructure_retry_limit, 1);
  EXPECT_EQ(batch->hang.deadlock_seconds, 3);
  EXPECT_EQ(batch->hang.idle_seconds, 5);
  EXPECT_EQ(batch->hang.silent_seconds, 4);
  EXPECT_EQ(batch->hang.deadline_seconds, 6);
  EXPECT_EQ(batch->hang.slow_factor, 7);
  ASSERT_EQ(batch->hang.expect.size(), 2U);
  EXPECT_EQ(batch->hang.expect[0].pattern, "^step");
  EXPECT_EQ(batch->hang.expect[0].within_seconds, 60);
  EXPECT_EQ(batch->hang.expect[0].first_seconds, 60);
  EXPECT_EQ(batch->hang.expect[1].first_seconds, 600);
  EXPECT_EQ(batch->stall.after_seconds, 9);
  EXPECT_EQ(batch->stall.init_seconds, 10);
  EXPECT_TRUE(batch->stall.retry);
  EXPECT_EQ(batch->hang.action, HangAction::Retry);
  EXPECT_EQ(batch->shutdown, Shutdown::Terminate);
  EXPECT_EQ(batch->first_builds, 3);
  EXPECT_EQ(batch->max_failed_builds, 0);
  EXPECT_EQ(batch->active_deadline_seconds, 8);
  EXPECT_EQ(batch->ttl_seconds_after_finished, -1);
  EXPECT_EQ(batch->variables.at("v"), "x");
  EXPECT_EQ(batch->images.config_maps.at(0).key, "k");
  EXPECT_EQ(batch->images.name_from, "$(id)");
}

TEST(ReadBatch, ReadsWhatIsToRunAgain) {
  json object = ValidObject();
  object["spec"]["rerun"] = {{"round", 2}, {"builds", {"image/a", "image/x/y"}}};
  const auto batch = ReadBatch(object);
  ASSERT_TRUE(batch) << Lines(batch.error())[0];
  EXPECT_EQ(batch->rerun.round, 2);
  EXPECT_THAT(batch->rerun.builds, ElementsAre(BuildName{"image", "a"}, BuildName{"image", "x/y"}));
  object["spec"]["rerun"] = {{"round", -1},
                             {"builds", {"a", "/a", "image/", "Image/a", 7, "image/a", "image/a"}}};
  EXPECT_THAT(ReadProblems(object),
              ElementsAre("spec.rerun.round: is -1, must be from 0 to 2147483647",
                          "spec.rerun.builds[0]: must be the name of a build: stage/name",
                          "spec.rerun.builds[1]: must be the name of a build: stage/name",
                          "spec.rerun.builds[2]: must be the name of a build: stage/name",
                          "spec.rerun.builds[3]: must be the name of a build: stage/name",
                          "spec.rerun.builds[4]: must be the name of a build: stage/name",
                          "spec.rerun.builds[6]: \"image/a\" is listed twice"));
}

TEST(ReadBatch, AStageOverridesTheHangPolicyFieldByField) {
  json object = ValidObject();
  object["spec"]["hang"] = {{"idleSeconds", 5}, {"silentSeconds", 7}, {"action", "Retry"}};
  object["spec"]["stages"][0]["hang"] = {{"idleSeconds", 0}, {"action", "Fail"}};
  const auto batch = ReadBatch(object);
  ASSERT_TRUE(batch) << Lines(batch.error())[0];
  const HangPolicy stage = Override(batch->hang, batch->stages[0].hang);
  EXPECT_EQ(stage.idle_seconds, 0);
  EXPECT_EQ(stage.silent_seconds, 7);
  EXPECT_EQ(stage.deadlock_seconds, 30);
  EXPECT_EQ(stage.action, HangAction::Fail);
  EXPECT_EQ(Override(batch->hang, {}).action, HangAction::Retry);
}

TEST(ReadBatch, AStageOverridesTheStallPolicyFieldByField) {
  json object = ValidObject();
  object["spec"]["stall"] = {{"afterSeconds", 5}, {"action", "Retry"}};
  object["spec"]["stages"][0]["stall"] = {{"initSeconds", 7}, {"action", "Flag"}};
  const auto batch = ReadBatch(object);
  ASSERT_TRUE(batch) << Lines(batch.error())[0];
  const StallPolicy stage = Override(batch->stall, batch->stages[0].stall);
  EXPECT_EQ(stage.after_seconds, 5);
  EXPECT_EQ(stage.init_seconds, 7);
  EXPECT_FALSE(stage.retry);
  EXPECT_TRUE(Override(batch->stall, {}).retry);
  object["spec"]["stall"]["action"] = "Fail";
  EXPECT_THAT(ReadProblems(object), ElementsAre("spec.stall.action: \"Fail\" must be Flag or Retry"));
}

void EraseDescriptions(json& schema) {
  if (!schema.is_structured()) return;
  if (schema.is_object()) schema.erase("description");
  for (json& part : schema) EraseDescriptions(part);
}

/// Every field of spec.hang and spec.stall can be given for a stage, in the same range, and has no default of
/// its own there.
TEST(ReadBatch, TheHangAndStallFieldsOfAStageAreThoseOfTheBatch) {
  const auto crd = document::ReadYaml(CrdText("imagebatches"), 1 << 20);
  ASSERT_TRUE(crd) << crd.error().message;
  const json& spec =
      (*crd)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"];
  for (const char* policy : {"hang", "stall"}) {
    json of_stage = spec["stages"]["items"]["properties"][policy]["properties"];
    json of_batch = spec[policy]["properties"];
    for (json* fields : {&of_stage, &of_batch}) {
      for (json& field : *fields) {
        EraseDescriptions(field);
        if (fields == &of_batch) field.erase("default");
      }
    }
    EXPECT_EQ(of_stage, of_batch) << json::diff(of_batch, of_stage).dump(2);
  }
}

TEST(ReadBatch, TakesANullForAnAbsentField) {
  json object = ValidObject();
  object["spec"]["hang"] = nullptr;
  object["spec"]["parallelism"] = nullptr;
  EXPECT_THAT(ReadProblems(object), IsEmpty());
}

/// The numbers stand twice, in manifests/crd.yaml and in the reader: they must be the same.
TEST(ReadBatch, HasTheRangesAndDefaultsOfTheCrd) {
  const auto crd = document::ReadYaml(CrdText("imagebatches"), 1 << 20);
  ASSERT_TRUE(crd) << crd.error().message;
  const json& spec =
      (*crd)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"];
  const std::map<std::string, std::function<int64_t(const Batch&)>> fields = {
      {"/parallelism", [](const Batch& b) { return b.parallelism; }},
      {"/firstBuilds", [](const Batch& b) { return b.first_builds; }},
      {"/maxFailedBuilds", [](const Batch& b) { return b.max_failed_builds.value_or(-1); }},
      {"/backoffLimit", [](const Batch& b) { return b.backoff_limit; }},
      {"/infrastructureRetryLimit", [](const Batch& b) { return b.infrastructure_retry_limit; }},
      {"/hang/deadlockSeconds", [](const Batch& b) { return b.hang.deadlock_seconds; }},
      {"/hang/silentSeconds", [](const Batch& b) { return b.hang.silent_seconds; }},
      {"/hang/idleSeconds", [](const Batch& b) { return b.hang.idle_seconds; }},
      {"/hang/deadlineSeconds", [](const Batch& b) { return b.hang.deadline_seconds; }},
      {"/stall/afterSeconds", [](const Batch& b) { return b.stall.after_seconds; }},
      {"/stall/initSeconds", [](const Batch& b) { return b.stall.init_seconds; }},
      {"/hang/slowFactor", [](const Batch& b) { return b.hang.slow_factor; }},
      {"/activeDeadlineSeconds", [](const Batch& b) { return b.active_deadline_seconds; }},
      {"/ttlSecondsAfterFinished", [](const Batch& b) { return b.ttl_seconds_after_finished; }},
  };
  size_t integers = 0;
  for (const auto& [name, schema] : spec.items()) integers += schema["type"] == "integer" ? 1U : 0U;
  for (const auto& [name, schema] : spec["hang"]["properties"].items())
    integers += schema["type"] == "integer" ? 1U : 0U;
  for (const auto& [name, schema] : spec["stall"]["properties"].items()) {
    integers += schema["type"] == "integer" ? 1U : 0U;
  }
  EXPECT_EQ(integers, fields.size());
  for (const auto& [path, get] : fields) {
    SCOPED_TRACE(path);
    const size_t inner = path.find('/', 1);
    const std::string in_schema =
        inner == std::string::npos ? path : path.substr(0, inner) + "/properties" + path.substr(inner);
    const json& schema = spec[json::json_pointer(in_schema)];
    EXPECT_EQ(get(*ReadBatch(ValidObject())), schema.value("default", int64_t{-1}));
    const auto read = [&, at = path](int64_t value) {
      json object = ValidObject();
      object["spec"][json::json_pointer(at)] = value;
      return ReadBatch(object);
    };
    const auto min = schema["minimum"].get<int64_t>(), max = schema["maximum"].get<int64_t>();
    EXPECT_EQ(get(*read(min)), min);
    EXPECT_EQ(get(*read(max)), max);
    EXPECT_FALSE(read(min - 1));
    EXPECT_FALSE(read(max + 1));
  }
}

struct Case {
  const char* name;
  const char* patch;  // RFC 7386, of ValidObject; stages that leave out image or template get its own
  std::vector<std::string> problems;
};

class ReadBatchRefuses : public testing::TestWithParam<Case> {};

TEST_P(ReadBatchRefuses, WithAMessage) {
  json object = ValidObject();
  const json valid = object["spec"]["stages"][0];
  object.merge_patch(json::parse(GetParam().patch));
  json none;
  for (json& stage : object.contains("/spec/stages"_json_pointer) ? object["spec"]["stages"] : none) {
    if (!stage.is_object()) continue;
    for (const char* field : {"image", "template"}) {
      if (!stage.contains(field)) stage[field] = valid[field];
    }
  }
  EXPECT_EQ(ReadProblems(object), GetParam().problems);
}

const std::string kContainer = "spec.stages[1].template.spec.containers[0].";
const std::string kEarlierOnly = "; a stage can only need earlier stages";
const std::string kTooEarly =
    " belongs to this build and is not known here yet; for a column of that name write ";
const std::string kAsItStands = " to keep the text as it is";
const std::string kOnlyImages =
    " is unknown; the only thing known of another stage is its image: $(stages.<name>.image)";

INSTANTIATE_TEST_SUITE_P(
    Objects, ReadBatchRefuses,
    testing::Values(
        Case{"AnotherKind", R"({"kind": "Job"})", {"kind: must be ImageBatch"}},
        Case{"AnotherVersion", R"({"apiVersion": "v1"})", {"apiVersion: must be imagebatch.dev/v1alpha1"}},
        Case{"NoName", R"({"metadata": {"name": null}})", {"metadata.name: is required"}},
        Case{"AName",
             R"({"metadata": {"name": "A_b"}})",
             {"metadata.name: \"A_b\" must be lower-case letters, digits, - and ."}},
        Case{"ALongName",
             R"({"metadata": {"name":
               "0123456789012345678901234567890123456789012345678901234567890123"}})",
             {"metadata.name: is 64 bytes, at most 63"}},
        Case{"NoSpec", R"({"spec": null})", {"spec: is required"}},
        Case{"AFieldOfTheObject", R"({"specs": {}})", {"specs: unknown field; did you mean spec?"}},
        Case{"AField",
             R"({"spec": {"paralellism": 4}})",
             {"spec.paralellism: unknown field; did you mean parallelism?"}},
        Case{
            "AFieldOfHang",
            R"({"spec": {"hang": {"idleSecond": 4, "x": 1}}})",
            {"spec.hang.idleSecond: unknown field; did you mean idleSeconds?", "spec.hang.x: unknown field"}},
        Case{"Types",
             R"({"spec": {"parallelism": "4", "suspend": "true", "backoffLimit": 1.5, "hang": [],
                          "variables": {"v": 1}}})",
             {"spec.parallelism: must be a whole number", "spec.suspend: must be true or false",
              "spec.variables.v: must be a string; put it in quotes",
              "spec.backoffLimit: must be a whole number", "spec.hang: must be an object"}},
        Case{"Ranges",
             R"({"spec": {"parallelism": 0, "backoffLimit": -1, "infrastructureRetryLimit": 101,
                          "ttlSecondsAfterFinished": -2, "activeDeadlineSeconds": 18446744073709551615}})",
             {"spec.parallelism: is 0, must be from 1 to 10000",
              "spec.backoffLimit: is -1, must be from 0 to 100",
              "spec.infrastructureRetryLimit: is 101, must be from 0 to 100",
              "spec.activeDeadlineSeconds: is 18446744073709551615, must be from 0 to 31622400",
              "spec.ttlSecondsAfterFinished: is -2, must be from -1 to 31622400"}},
        Case{"AnAction",
             R"({"spec": {"hang": {"action": "Kill"}}})",
             {"spec.hang.action: \"Kill\" must be Flag, Retry or Fail"}},
        Case{"ExpectedLines",
             R"({"spec": {"hang": {"expect": [{"pattern": "(a", "withinSeconds": 0}, {"withinSeconds": 5},
                                              {"pattern": "x", "within": 5}]}}})",
             {"spec.hang.expect[0].pattern: \"(a\": missing ): (a at `(a`",
              "spec.hang.expect[0].withinSeconds: is 0, must be from 1 to 31622400",
              "spec.hang.expect[1].pattern: is required", "spec.hang.expect[2].withinSeconds: is required",
              "spec.hang.expect[2].within: unknown field"}},
        Case{"NoImages", R"({"spec": {"images": null}})", {"spec.images: is required"}},
        Case{"NoRows", R"({"spec": {"images": {"rows": null}}})", {"spec.images: needs rows or configMaps"}},
        Case{"RowsTwice",
             R"({"spec": {"images": {"configMaps": [{"name": "m", "key": "k"}]}}})",
             {"spec.images: has both rows and configMaps; give only one of them"}},
        Case{"ConfigMaps",
             R"({"spec": {"images": {"rows": null, "configMaps": [{"name": "M", "key": "k"}, {"name": "m"},
                 {"name": "m", "key": "k"}, {"name": "m", "key": "k"}, 5]}}})",
             {"spec.images.configMaps[0].name: \"M\" is not a name of a ConfigMap",
              "spec.images.configMaps[1].key: is required", "spec.images.configMaps[3]: is listed twice",
              "spec.images.configMaps[4]: must be an object"}},
        Case{"RowsOfAnotherType",
             R"({"spec": {"images": {"rows": {}}}})",
             {"spec.images.rows: must be an array"}},
        Case{"NameFrom",
             R"json({"spec": {"images": {"nameFrom": "$(a b)"}}})json",
             {"spec.images.nameFrom: $(a b) is not a valid name; write $$(a b) to keep the text as it is"}},
        Case{"VariableNames",
             R"({"spec": {"variables": {"a b": "x", "image": "x", "row.a": "x", "stages.": "x"}}})",
             {"spec.variables: the name \"a b\" must be a letter or _, then letters, digits, _ . -",
              "spec.variables.image: this name is reserved: $(image) already has a meaning",
              "spec.variables.row.a: this name is reserved: $(row.a) already has a meaning",
              "spec.variables.stages.: this name is reserved: $(stages.) already has a meaning"}},
        Case{"NoStages", R"({"spec": {"stages": []}})", {"spec.stages: needs at least one stage"}},
        Case{"StagesMissing", R"({"spec": {"stages": null}})", {"spec.stages: is required"}},
        Case{"ElevenStages",
             R"({"spec": {"stages": [1,2,3,4,5,6,7,8,9,10,11]}})",
             {"spec.stages: has 11 elements, at most 10"}},
        Case{"AStageThatIsNoObject", R"({"spec": {"stages": ["x"]}})", {"spec.stages[0]: must be an object"}},
        Case{
            "StageNames",
            R"({"spec": {"stages": [{"name": "Env"}, {"name": "a"}, {"name": "a"}, {}]}})",
            {"spec.stages[0].name: \"Env\" must be a DNS label: lower-case letters, digits and -, at most 40",
             "spec.stages[2].name: \"a\" is the name of an earlier stage",
             "spec.stages[3].name: is required"}},
        Case{"StageFields",
             R"({"spec": {"stages": [{"name": "a", "image": null, "template": null, "keys": "x"}]}})",
             {"spec.stages[0].image: is required", "spec.stages[0].template: is required",
              "spec.stages[0].keys: unknown field; did you mean key?"}},
        Case{"Needs",
             R"({"spec": {"stages": [{"name": "env", "needs": ["image", "env"]},
                                     {"name": "image", "needs": ["env", "env", "enw", 5]}]}})",
             {"spec.stages[0].needs[0]: stage \"image\" comes later" + kEarlierOnly,
              "spec.stages[0].needs[1]: a stage cannot need itself",
              "spec.stages[1].needs[1]: stage \"env\" is listed twice",
              "spec.stages[1].needs[2]: there is no stage \"enw\"; did you mean env?",
              "spec.stages[1].needs[3]: must be the name of a stage"}},
        Case{"References",
             R"json({"spec": {"stages": [{"name": "a"},
               {"name": "b", "key": "$(key)", "image": "r/$(image)/$(stages.a.image):$(name)", "template": {"spec":
               {"containers": [{"command": ["sh", "-c", "$(date +%s) $$(ok) $(name)"],
                "args": ["$()", "$(stages.a.image)", "$(stages.a.key)"]}]}}}]}})json",
             {"spec.stages[1].key: $(key)" + kTooEarly + "$(row.key)",
              "spec.stages[1].image: $(image)" + kTooEarly + "$(row.image)",
              "spec.stages[1].image: $(stages.a.image) can be used only in the template",
              kContainer + "args[0]: $() is not a valid name; write $$()" + kAsItStands,
              kContainer + "args[1]: $(stages.a.image): this stage does not need \"a\"; add it to needs",
              kContainer + "args[2]: $(stages.a.key)" + kOnlyImages,
              kContainer + "command[2]: $(date +%s) is not a valid name; write $$(date +%s)" + kAsItStands}}),
    [](const auto& test) { return test.param.name; });

TEST(ReadBatch, ListsTenProblemsAndCountsTheOthers) {
  json object = ValidObject();
  for (int i = 0; i < 30; ++i) object["spec"]["x" + std::to_string(i)] = 1;
  const auto problems = ReadProblems(object);
  ASSERT_EQ(problems.size(), kMaxProblems + 1);
  EXPECT_EQ(problems.back(), "ImageBatch: 20 more problems");
}

TEST(ReadBatch, RefusesWhatIsNoObject) {
  EXPECT_THAT(ReadProblems(json::array()), ElementsAre("ImageBatch: must be an object"));
}

}  // namespace
}  // namespace imagebatch::batch
