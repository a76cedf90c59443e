#include "cluster/store/input.h"

#include "batch/read.h"
#include "unit/cluster/support.h"

namespace imagebatch::cluster {
namespace {

using kube::Method;
using nlohmann::json;
using std::chrono::seconds;

json Object() {
  const json pod = {
      {"spec", {{"containers", {{{"name", "build"}, {"image", "i"}, {"command", {"x", "$(image)"}}}}}}}};
  return {{"apiVersion", "imagebatch.dev/v1alpha1"},
          {"kind", "ImageBatch"},
          {"metadata", {{"name", "b"}, {"namespace", "builds"}, {"uid", "u"}, {"generation", 1}}},
          {"spec",
           {{"images",
             {{"configMaps", {{{"name", "one"}, {"key", "rows"}}, {{"name", "two"}, {"key", "rows"}}}}}},
            {"stages",
             {{{"name", "env"}, {"key", "$(env)"}, {"image", "r.example/env:$(key)"}, {"template", pod}},
              {{"name", "image"},
               {"needs", {"env"}},
               {"image", "r.example/image:$(name)"},
               {"template", pod}}}}}}};
}

json ConfigMap(const std::string& rows) { return {{"metadata", json::object()}, {"data", {{"rows", rows}}}}; }

class InputTest : public testing::Test {
 protected:
  void Begin(bool started = false, const json& images = json::object()) {
    json object = Object();
    object["spec"]["images"].update(images);
    batch_ = batch::ReadBatch(object).value();
    input_ = std::make_unique<Input>(batch_, started, RunnerSource{"runner:1"}, wire_.channel);
  }

  std::vector<Command> Step() {
    input_->Step(wire_.now);
    return wire_.requests.Take();
  }

  /// Answers the reads of both ConfigMaps; null: there is none.
  void GiveRows(const json& one, const json& two) {
    const auto reads = Step();
    ASSERT_EQ(reads.size(), 2u);
    EXPECT_EQ(reads[0].request.path, "/api/v1/namespaces/builds/configmaps/one");
    EXPECT_EQ(reads[1].request.path, "/api/v1/namespaces/builds/configmaps/two");
    wire_.Reply(reads[1], two.is_null() ? 404 : 200, two);
    wire_.Reply(reads[0], one.is_null() ? 404 : 200, one);
  }
  void GiveGoodRows() {
    GiveRows(ConfigMap(R"({"name": "a", "env": "e"})"), ConfigMap(R"({"name": "b", "env": "e"})"));
  }

  Wire wire_;
  batch::Batch batch_;
  std::unique_ptr<Input> input_;
};

TEST_F(InputTest, RowsOfAllConfigMapsInTheirOrderThenADryRunOfEachStage) {
  Begin();
  GiveGoodRows();
  const auto checks = Step();
  EXPECT_EQ(input_->state(), Input::State::Checking);
  ASSERT_EQ(checks.size(), 2u);
  for (const Command& check : checks) {
    EXPECT_EQ(check.request.method, Method::Post);
    EXPECT_EQ(check.request.path, "/apis/batch/v1/namespaces/builds/jobs?dryRun=All&fieldValidation=Strict");
    EXPECT_EQ(Body(check)["metadata"]["labels"]["imagebatch.dev/attempt"], "0")
        << "no attempt has this number";
    wire_.Reply(check, 201, json::object());
  }
  EXPECT_EQ(input_->state(), Input::State::Valid);
  EXPECT_EQ(input_->Next(), std::nullopt);
  const batch::Expansion expansion = input_->TakeExpansion();
  ASSERT_EQ(expansion.rows.size(), 2u);
  EXPECT_EQ(expansion.rows.name(0), "a");
  EXPECT_EQ(expansion.builds.size(), 3u);
}

TEST_F(InputTest, ABatchThatHasStartedIsNotCheckedAgain) {
  Begin(true);
  GiveGoodRows();
  EXPECT_TRUE(Step().empty());
  EXPECT_EQ(input_->state(), Input::State::Valid);
}

TEST_F(InputTest, AMissingConfigMapIsLackingAndLookedForAgain) {
  Begin();
  GiveRows(nullptr, ConfigMap(R"({"name": "b", "env": "e"})"));
  EXPECT_TRUE(Step().empty());
  EXPECT_EQ(input_->state(), Input::State::Lacking);
  EXPECT_EQ(input_->reason(), "RowsMissing");
  EXPECT_EQ(input_->problems(), "ConfigMap one: not found in namespace builds; create it");
  EXPECT_EQ(input_->Next(), wire_.now.steady + seconds(30));
  wire_.Pass(seconds(29));
  EXPECT_TRUE(Step().empty());
  wire_.Pass(seconds(1));
  GiveGoodRows();
  EXPECT_EQ(Step().size(), 2u) << "the dry runs";
}

TEST_F(InputTest, AllProblemsOfAllConfigMapsAreTold) {
  Begin();
  GiveRows(ConfigMap("{\"name\": \"a\", \"env\": \"e\"}\n[1]\n"), json{{"binaryData", {{"rows", "AAAA"}}}});
  Step();
  EXPECT_EQ(input_->state(), Input::State::Invalid);
  EXPECT_NE(input_->problems().find("ConfigMap one/rows line 2: "), std::string::npos) << input_->problems();
  EXPECT_NE(input_->problems().find("ConfigMap two: has no key rows in its data"), std::string::npos);
}

TEST_F(InputTest, TheNamesOfASelectionAreReadFromTheirConfigMap) {
  const json select = {{"configMap", {{"name", "three"}, {"key", "rows"}}}};
  std::vector<std::string> digests;
  for (const char* names : {"b\r\n", "a\nb"}) {
    Begin(true, {{"select", select}});
    const auto reads = Step();
    ASSERT_EQ(reads.size(), 3U);
    EXPECT_EQ(reads[2].request.path, "/api/v1/namespaces/builds/configmaps/three");
    wire_.Reply(reads[2], 200, ConfigMap(names));
    wire_.Reply(reads[0], 200, ConfigMap(R"({"name": "a", "env": "e", "other": null})"));
    wire_.Reply(reads[1], 200, ConfigMap(R"({"name": "b", "env": "e"})"));
    Step();
    ASSERT_EQ(input_->state(), Input::State::Valid) << input_->problems();
    digests.push_back(input_->digest());
  }
  EXPECT_NE(digests[0], digests[1]) << "the digest is that of the rows that are selected";
}

TEST_F(InputTest, ASelectionThatIsMissingIsLacking) {
  Begin(false, {{"select", {{"configMap", {{"name", "three"}, {"key", "rows"}}}}}});
  const auto reads = Step();
  ASSERT_EQ(reads.size(), 3U);
  wire_.Reply(reads[0], 200, ConfigMap(R"({"name": "a", "env": "e"})"));
  wire_.Reply(reads[1], 200, ConfigMap(R"({"name": "b", "env": "e"})"));
  wire_.Reply(reads[2], 404, nullptr);
  Step();
  EXPECT_EQ(input_->state(), Input::State::Lacking);
  EXPECT_EQ(input_->reason(), "RowsMissing");
  EXPECT_EQ(input_->problems(), "ConfigMap three: not found in namespace builds; create it");
}

TEST_F(InputTest, TheDigestIsOfTheUsedColumnsInTheOrderOfTheSample) {
  const auto digest = [&](const json& images, const std::string& one) {
    Begin(true, images);
    GiveRows(ConfigMap(one), ConfigMap(R"({"name": "b", "env": "e"})"));
    Step();
    EXPECT_EQ(input_->state(), Input::State::Valid) << input_->problems();
    return input_->digest();
  };
  const std::string plain = R"({"name": "a", "env": "e"})";
  const std::string all = digest(json::object(), plain);
  EXPECT_EQ(digest(json::object(), R"({"name": "a", "env": "e", "other": [1, null]})"), all);
  EXPECT_EQ(digest({{"limit", 0}, {"seed", 7}}, plain), all);
  const std::string sample = digest({{"limit", 2}, {"seed", 0}}, plain);  // b, a
  EXPECT_NE(sample, all);
  EXPECT_EQ(digest({{"limit", 9}, {"seed", 0}}, plain), sample);
}

TEST_F(InputTest, ADuplicateNameAcrossConfigMapsIsAProblem) {
  Begin();
  GiveRows(ConfigMap(R"({"name": "a", "env": "e"})"), ConfigMap("\n{\"name\": \"a\", \"env\": \"f\"}"));
  Step();
  EXPECT_EQ(input_->state(), Input::State::Invalid);
  EXPECT_NE(input_->problems().find("ConfigMap two/rows line 2"), std::string::npos) << input_->problems();
  EXPECT_NE(input_->problems().find("ConfigMap one/rows line 1"), std::string::npos) << input_->problems();
}

TEST_F(InputTest, ProblemsAreBounded) {
  Begin();
  std::string rows;
  for (int i = 0; i < 1000; ++i) rows += "\"" + std::string(1000, 'x') + "\"\n";
  GiveRows(ConfigMap(rows), ConfigMap(rows));
  Step();
  EXPECT_EQ(input_->state(), Input::State::Invalid);
  EXPECT_LE(input_->problems().size(), 4096u);
}

TEST_F(InputTest, AReadThatFailsIsRepeatedForItsConfigMapAlone) {
  Begin();
  const auto reads = Step();
  wire_.Lose(reads[0]);
  wire_.Reply(reads[1], 200, ConfigMap(R"({"name": "b", "env": "e"})"));
  wire_.Pass(seconds(1));
  const Command again = [&] {
    auto sent = Step();
    EXPECT_EQ(sent.size(), 1u);
    return sent.at(0);
  }();
  EXPECT_EQ(again.request.path, "/api/v1/namespaces/builds/configmaps/one");
  wire_.Reply(again, 200, ConfigMap(R"({"name": "a", "env": "e"})"));
  EXPECT_EQ(Step().size(), 2u);
}

TEST_F(InputTest, AReplyThatIsNoConfigMapSaysNothingOfIt) {
  Begin();
  const auto reads = Step();
  wire_.Reply(reads[0], 200, json::array());
  wire_.Reply(reads[1], 200, json{{"metadata", {{"resourceVersion", "7"}}}, {"data", {{"rows", 7}}}});
  wire_.Pass(seconds(1));
  const auto again = Step();
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].request.path, reads[0].request.path);
  wire_.Reply(again[0], 200, ConfigMap(R"({"name": "a", "env": "e"})"));
  Step();
  EXPECT_EQ(input_->problems(), "ConfigMap two: has no key rows in its data; add it");
}

TEST_F(InputTest, ARefusedDryRunIsAProblemOfItsStage) {
  Begin();
  GiveGoodRows();
  const auto checks = Step();
  wire_.Reply(checks[1], 422, Refusal("spec.template.spec.containers[0].image: Required value"));
  wire_.Reply(checks[0], 201, json::object());
  EXPECT_EQ(input_->state(), Input::State::Invalid);
  EXPECT_EQ(input_->problems(),
            "spec.stages[1].template: the API server refuses its Job: "
            "spec.template.spec.containers[0].image: Required value");
  wire_.Pass(seconds(30));
  GiveGoodRows();  // what was missing, a quota or a webhook, may be mended
  EXPECT_EQ(Step().size(), 2u);
}

TEST_F(InputTest, WhatMayPassRefusesAJobAndIsNoFaultOfIt) {
  const std::string webhook = "admission webhook \"policy.example\" denied the request: no";
  const std::string policy = "ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no";
  for (const auto& [status, message] : std::vector<std::pair<int, std::string>>{
           {403, "exceeded quota"}, {409, "try again"}, {400, webhook}, {422, policy}}) {
    SCOPED_TRACE(message);
    wire_.requests.Take();
    Begin();
    GiveGoodRows();
    const auto checks = Step();
    wire_.Reply(checks[0], status, Refusal(message));
    wire_.Reply(checks[1], 201, json::object());
    EXPECT_EQ(input_->state(), Input::State::Lacking);
    EXPECT_EQ(input_->reason(), "JobsRefused");
    EXPECT_EQ(input_->problems(), "spec.stages[0].template: the API server refuses its Job: " + message);
  }
}

TEST_F(InputTest, AJobThatIsWrongInItselfIsInvalid) {
  for (const auto& [status, message] : std::vector<std::pair<int, std::string>>{
           {400, "strict decoding error: unknown field \"spec.template.spec.contaners\""},
           {413, "too large"},
           {422, "Required value"}}) {
    SCOPED_TRACE(message);
    wire_.requests.Take();
    Begin();
    GiveGoodRows();
    wire_.Reply(Step()[0], status, Refusal(message));
    EXPECT_EQ(input_->state(), Input::State::Invalid);
  }
}

TEST_F(InputTest, RowsThatStayWrongAreLookedAtEverMoreSeldom) {
  Begin();
  const auto wrong = [](const std::string& version) {
    json config_map = ConfigMap("[1]");
    config_map["metadata"]["resourceVersion"] = version;
    return config_map;
  };
  GiveRows(wrong("1"), wrong("2"));
  Step();
  std::vector<int64_t> pauses;
  for (int i = 0; i < 6; ++i) {
    ASSERT_EQ(input_->state(), Input::State::Invalid);
    const auto pause = *input_->Next() - wire_.now.steady;
    pauses.push_back(std::chrono::duration_cast<seconds>(pause).count());
    wire_.Pass(std::chrono::duration_cast<Duration>(pause));
    GiveRows(wrong("1"), wrong("2"));
    Step();
  }
  EXPECT_EQ(pauses, (std::vector<int64_t>{30, 60, 120, 240, 300, 300}));
  wire_.Pass(seconds(300));
  GiveGoodRows();
  EXPECT_EQ(Step().size(), 2u) << "the dry runs";
}

TEST_F(InputTest, AServerInTroubleSaysNothingOfTheTemplate) {
  for (const int status : {0, 500, 503}) {
    SCOPED_TRACE(status);
    wire_.requests.Take();
    Begin();
    GiveGoodRows();
    const auto checks = Step();
    if (status == 0) {
      wire_.Lose(checks[0]);
    } else {
      wire_.Reply(checks[0], status, Refusal("busy"));
    }
    wire_.Reply(checks[1], 201, json::object());
    EXPECT_EQ(input_->state(), Input::State::Checking);
    wire_.Pass(seconds(1));
    const auto again = Step();
    ASSERT_EQ(again.size(), 1u) << "the other one has passed";
    EXPECT_EQ(Body(again[0])["metadata"]["labels"]["imagebatch.dev/stage"], "env");
    wire_.Reply(again[0], 201, json::object());
    EXPECT_EQ(input_->state(), Input::State::Valid);
  }
}

TEST_F(InputTest, TheDigestIsOfTheRowsAndTheSpec) {
  const auto digest = [&](const std::string& row) {
    Begin(true);
    GiveRows(ConfigMap(row), ConfigMap(R"({"name": "b", "env": "e"})"));
    Step();
    return input_->digest();
  };
  const std::string first = digest(R"({"name": "a", "env": "e"})");
  EXPECT_EQ(first.size(), 64u);
  EXPECT_EQ(digest(R"({"env": "e",   "name": "a"})"), first) << "the order of columns is not content";
  EXPECT_NE(digest(R"({"name": "a", "env": "f"})"), first);
  EXPECT_NE(digest(R"({"name": "c", "env": "e"})"), first);
  EXPECT_EQ(digest(R"({"name": "a", "env": "e", "more": "1"})"), first) << "no stage uses that column";
}

TEST_F(InputTest, TheDigestOfABatchStaysWhatItIs) {
  json object = Object();
  json& spec = object["spec"];
  spec["variables"] = {{"registry", "r.example"}, {"unused", "\u00fc"}};
  spec["stages"][1]["image"] = "$(registry)/image:$(name)";
  spec["stages"][1]["template"]["spec"]["containers"][0]["args"] = {"$(row.text)", "$(n)", "$$(no)"};
  batch_ = batch::ReadBatch(object).value();
  input_ = std::make_unique<Input>(batch_, true, RunnerSource{"runner:1"}, wire_.channel);
  GiveRows(
      ConfigMap("{\"text\": \"\\u00e4\\n\\\"\\\\ \\u2028 \\ud83d\\ude00\", \"name\": \"a\", \"env\": \"e\", "
                "\"n\": 4.10}\n"),
      ConfigMap("\n{\"env\": \"e\", \"name\": \"b\", \"n\": true, \"more\": 1, \"text\": \"/\\t\\u007f\"}"));
  Step();
  EXPECT_EQ(input_->problems(), "");
  EXPECT_EQ(input_->digest(), "ff699a19bb763c3fc30fe7af20a525d8013853c649c913c1ce846e1e2716e803")
      << "another digest needs another kDigestVersion: batches of the one before would end as InputChanged";
}

TEST_F(InputTest, RepliesToOneThatIsGoneAreNobodys) {
  Begin();
  const auto reads = Step();
  input_.reset();
  wire_.Reply(reads[0], 404, nullptr);
  wire_.Lose(reads[1]);
}

}  // namespace
}  // namespace imagebatch::cluster
