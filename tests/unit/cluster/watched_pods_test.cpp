#include "cluster/pods/watched_pods.h"

#include <gmock/gmock.h>

#include <memory>
#include <set>

#include "cluster/objects/parse.h"
#include "cluster/store/purpose.h"
#include "support/allocations.h"
#include "unit/cluster/support.h"

namespace imagebatch::cluster {
namespace {

using nlohmann::json;
using std::chrono::seconds;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr Time kStarted = kBegin - seconds(600);
constexpr Time kUnready = kBegin - seconds(20);

/// A Pod as docs/any-job.md has it, whose container runs.
json WrappedPod(const std::string& uid = "uid-1", bool ready = true, Time changed = kUnready) {
  const json marker = {{"name", "IMAGEBATCH_MARKER"},
                       {"valueFrom", {{"fieldRef", {{"fieldPath", "metadata.uid"}}}}}};
  const json probe = {{"httpGet", {{"path", "/progress"}, {"port", 9911}}}};
  json container = {{"name", "main"},
                    {"image", "i"},
                    {"command", {"/imagebatch/imagebatch-runner", "--listen", ":9911", "--", "work"}},
                    {"env", json::array({marker})},
                    {"readinessProbe", probe}};
  json status = {
      {"name", "main"}, {"ready", ready}, {"state", {{"running", {{"startedAt", FormatTime(kStarted)}}}}}};
  json condition = {
      {"type", "Ready"}, {"status", ready ? "True" : "False"}, {"lastTransitionTime", FormatTime(changed)}};
  json owner = {{"apiVersion", "batch/v1"},
                {"kind", "Job"},
                {"name", "job-a"},
                {"uid", "job-uid"},
                {"controller", true}};
  return {{"metadata",
           {{"name", "job-a-" + uid},
            {"namespace", "builds"},
            {"uid", uid},
            {"resourceVersion", "7"},
            {"ownerReferences", json::array({owner})},
            {"labels", {{"imagebatch.dev/watch", "true"}}}}},
          {"spec", {{"nodeName", "n1"}, {"containers", json::array({container})}}},
          {"status",
           {{"phase", "Running"},
            {"conditions", json::array({condition})},
            {"containerStatuses", json::array({status})}}}};
}

std::string HungLine(const std::string& uid = "uid-1", const std::string& class_name = "Idle") {
  const json line = {{"imagebatch", "evidence"},     {"marker", uid},     {"verdict", "Hung"},
                     {"class", class_name},          {"reason", "Quiet"}, {"message", "nothing for 300 s"},
                     {"since", FormatTime(kUnready)}};
  // The kind comes first in the runner's lines
  std::string text = line.dump();
  const std::string kind = R"("imagebatch":"evidence")";
  text.erase(text.find(kind + ","), kind.size() + 1);
  return FormatTime(kUnready) + " {" + kind + "," + text.substr(1) + "\n";
}

class WatchedPodsTest : public testing::Test {
 protected:
  WatchedPodsTest() { Begin(); }

  /// As a controller that has just started.
  void Begin() {
    pods_.reset();
    pods_ = std::make_unique<WatchedPods>(wire_.requests);
  }
  void See(const json& pod, Change change = Change::Upsert) {
    auto parsed = ParseWatchedPod(pod.dump());
    ASSERT_TRUE(parsed);
    pods_->Observe({change, std::move(*parsed)}, wire_.now);
  }
  std::vector<Command> Step() {
    pods_->Step(wire_.now);
    return wire_.requests.Take();
  }
  void ReplyText(const Command& command, const std::string& text) {
    wire_.requests.Deliver(command.id, kube::Response{200, text, std::nullopt, text.size()}, wire_.now);
  }

  /// Steps and answers until nothing more is asked: logs are `log`, all else succeeds or is `status`.
  std::vector<Command> Settle(const std::string& log, int status = 201) {
    std::vector<Command> all;
    for (int round = 0; round < 50; ++round) {
      const std::vector<Command> sent = Step();
      if (sent.empty()) return all;
      for (const Command& command : sent) {
        all.push_back(command);
        if (command.purpose == Purpose::ReadLog) {
          ReplyText(command, log);
        } else if (command.purpose == Purpose::LoadEvidence) {
          wire_.Reply(command, 200, {{"items", json::array()}});
        } else {
          wire_.Reply(command, status, {{"message", "so it is"}});
        }
      }
    }
    ADD_FAILURE() << "it does not come to rest";
    return all;
  }
  static std::vector<json> Bodies(const std::vector<Command>& sent, Purpose purpose) {
    std::vector<json> bodies;
    for (const Command& command : sent) {
      if (command.purpose == purpose) bodies.push_back(Body(command));
    }
    return bodies;
  }
  static std::vector<std::string> Told(const std::vector<Command>& sent) {
    std::vector<std::string> told;
    for (const json& event : Bodies(sent, Purpose::WriteEvent))
      told.push_back(event["reason"].get<std::string>() + ": " + event["message"].get<std::string>());
    return told;
  }

  Wire wire_;
  std::unique_ptr<WatchedPods> pods_;
};

TEST_F(WatchedPodsTest, AHealthyPodCostsNoRequest) {
  See(WrappedPod());
  EXPECT_THAT(Step(), IsEmpty());
  EXPECT_EQ(pods_->Next(), std::nullopt);
  const auto sample = pods_->Sample();
  EXPECT_EQ(sample->namespaces.at("builds").watched, 1);
  EXPECT_EQ(sample->namespaces.at("builds").unwatched, 0);
  EXPECT_THAT(sample->hung, IsEmpty());
  EXPECT_EQ(pods_->Sample(), sample) << "nothing has changed";
}

TEST_F(WatchedPodsTest, AHungPodIsToldOnceAndItsEvidenceGoesToItsJob) {
  See(WrappedPod("uid-1", false));
  const std::vector<Command> sent = Settle(HungLine());
  EXPECT_THAT(Told(sent), ElementsAre(AllOf(HasSubstr("PodHung: container \"main\" hangs (Idle, Quiet)"),
                                            HasSubstr("nothing for 300 s"), HasSubstr("job-a-evidence-"))));
  const json event = Bodies(sent, Purpose::WriteEvent).at(0);
  EXPECT_EQ(event["involvedObject"]["kind"], "Pod");
  EXPECT_EQ(event["involvedObject"]["uid"], "uid-1");
  const json record = Bodies(sent, Purpose::WriteEvidence).at(0);
  EXPECT_EQ(record["type"], "Evidence");
  EXPECT_EQ(record["metadata"]["ownerReferences"],
            json::parse(R"([{"apiVersion":"batch/v1","kind":"Job","name":"job-a","uid":"job-uid"}])"));
  EXPECT_EQ(record["metadata"]["labels"], json::parse(R"({"imagebatch.dev/owner-uid":"job-uid",
      "imagebatch.dev/record":"evidence","imagebatch.dev/name":"job-a-uid-1"})"));
  EXPECT_THAT(record["evidence"].get<std::string>(), AllOf(HasSubstr("Idle"), Not(HasSubstr("marker"))));
  EXPECT_THAT(record["log"].get<std::string>(), Not(HasSubstr("uid-1"))) << "the marker stays here";

  const auto sample = pods_->Sample();
  ASSERT_EQ(sample->hung.size(), 1U);
  const auto& hung = sample->hung[0];
  EXPECT_EQ(hung.pod, "job-a-uid-1");
  EXPECT_EQ(hung.container, "main");
  EXPECT_EQ(hung.class_name, "Idle");
  EXPECT_EQ(hung.owner_kind, "Job");
  EXPECT_EQ(hung.owner_name, "job-a");
  EXPECT_EQ(hung.node, "n1");
  EXPECT_EQ(hung.since, kUnready);
  EXPECT_EQ(sample->namespaces.at("builds").hung_by_class.at("Idle"), 1);
  EXPECT_EQ(sample->namespaces.at("builds").hung_by_class.at("Busy"), 0);

  wire_.Pass(seconds(61));  // whether its class has changed
  EXPECT_THAT(Told(Settle(HungLine())), IsEmpty());
}

TEST_F(WatchedPodsTest, AfterARestartTheSameHangHasTheSameEventAndTheSameRecord) {
  See(WrappedPod("uid-1", false));
  const std::vector<Command> before = Settle(HungLine());
  wire_.Pass(seconds(1000));
  Begin();
  See(WrappedPod("uid-1", false));
  const std::vector<Command> after = Settle(HungLine(), 409);
  for (const Purpose purpose : {Purpose::WriteEvent, Purpose::WriteEvidence}) {
    const auto once = Bodies(before, purpose), again = Bodies(after, purpose);
    ASSERT_FALSE(again.empty());
    EXPECT_EQ(once.at(0)["metadata"]["name"], again.at(0)["metadata"]["name"]);
  }
}

TEST_F(WatchedPodsTest, OneThatGoesOnIsToldAndOneThatEndsIsNot) {
  See(WrappedPod("uid-1", false));
  Settle(HungLine());
  See(WrappedPod("uid-1", true, kBegin));
  EXPECT_THAT(Told(Settle("")),
              ElementsAre(HasSubstr("PodRecovered: container \"main\" is making progress")));
  EXPECT_THAT(pods_->Sample()->hung, IsEmpty());

  See(WrappedPod("uid-2", false));
  Settle(HungLine("uid-2"));
  json ended = WrappedPod("uid-2", false);
  ended["status"]["phase"] = "Failed";
  See(ended);
  EXPECT_THAT(Settle(""), IsEmpty());
  EXPECT_THAT(pods_->Sample()->hung, IsEmpty());
}

TEST_F(WatchedPodsTest, ABarePodOwnsItsEvidence) {
  json pod = WrappedPod("uid-1", false);
  pod["metadata"].erase("ownerReferences");
  See(pod);
  const json record = Bodies(Settle(HungLine()), Purpose::WriteEvidence).at(0);
  EXPECT_EQ(record["metadata"]["ownerReferences"],
            json::parse(R"([{"apiVersion":"v1","kind":"Pod","name":"job-a-uid-1","uid":"uid-1"}])"));
}

TEST_F(WatchedPodsTest, ALineWithAnotherPodsMarkerIsNoVerdict) {
  See(WrappedPod("uid-1", false));
  EXPECT_THAT(Told(Settle(HungLine("uid-2"))), IsEmpty());
}

TEST_F(WatchedPodsTest, WhatCannotBeWatchedIsToldOnceWithTheWayOut) {
  const auto told = [&](const json& pod) {
    Begin();
    See(pod);
    See(pod);
    const auto all = Told(Settle(""));
    EXPECT_EQ(pods_->Sample()->namespaces.at("builds").unwatched, 1);
    return all.size() == 1 ? all[0] : std::to_string(all.size());
  };
  json pod = WrappedPod();
  json& container = pod["spec"]["containers"][0];
  const json whole = container;
  container.erase("readinessProbe");
  EXPECT_THAT(told(pod), AllOf(HasSubstr("NotWatched: not watched: container \"main\" has no readinessProbe"),
                               HasSubstr("docs/any-job.md")));
  container["readinessProbe"] = {{"httpGet", {{"path", "/healthz"}, {"port", 80}}}};
  EXPECT_THAT(told(pod), HasSubstr("has a readinessProbe that does not ask the runner"));
  container["readinessProbe"] = {{"exec", {{"command", {"/x/imagebatch-runner", "probe", "--state", "/s"}}}}};
  Begin();
  See(pod);
  EXPECT_THAT(Settle(""), IsEmpty()) << "a program may ask it, too";
  container = whole;
  container["env"] = json::array({{{"name", "IMAGEBATCH_MARKER"}, {"value", "guessed"}}});
  EXPECT_THAT(told(pod), HasSubstr("no container has the variable IMAGEBATCH_MARKER from metadata.uid"));
  container.erase("env");
  container.erase("command");
  EXPECT_THAT(told(pod), HasSubstr("container \"main\" has no command"));
}

TEST_F(WatchedPodsTest, ARunnerThatHasNeverAnsweredIsNoHangAndOneThatFellSilentIs) {
  See(WrappedPod("uid-1", false, kStarted - seconds(1)));
  std::vector<std::string> told;
  for (int i = 0; i < 30; ++i, wire_.Pass(seconds(5))) {
    for (auto& line : Told(Settle(""))) told.push_back(line);
  }
  EXPECT_THAT(told,
              ElementsAre(AllOf(HasSubstr("NotWatched"), HasSubstr("has not answered since it started"))));
  EXPECT_THAT(pods_->Sample()->hung, IsEmpty());
  See(WrappedPod("uid-1", true, wire_.now.wall));
  EXPECT_EQ(pods_->Sample()->namespaces.at("builds").unwatched, 0) << "it has taken its time";

  Begin();
  See(WrappedPod("uid-2", false));
  told.clear();
  for (int i = 0; i < 30; ++i, wire_.Pass(seconds(5))) {
    for (auto& line : Told(Settle(""))) told.push_back(line);
  }
  EXPECT_THAT(told, ElementsAre(HasSubstr("PodHung: container \"main\" hangs (Unobserved, RunnerSilent)")));
  EXPECT_EQ(pods_->Sample()->hung.size(), 1U);
}

TEST_F(WatchedPodsTest, WhatAListDoesNotHoldIsGone) {
  See(WrappedPod("uid-1"));
  See(WrappedPod("uid-2"));
  pods_->OnListBegun();
  See(WrappedPod("uid-2"));
  pods_->OnListEnded(10);
  EXPECT_EQ(pods_->Sample()->namespaces.at("builds").watched, 1);
  See(WrappedPod("uid-2"), Change::Gone);
  EXPECT_THAT(pods_->Sample()->namespaces, IsEmpty());
}

TEST_F(WatchedPodsTest, EvidenceThatIsRefusedIsTold) {
  See(WrappedPod("uid-1", false));
  const auto told = Told(Settle(HungLine(), 403));
  ASSERT_EQ(told.size(), 2U);
  EXPECT_THAT(told[1], AllOf(HasSubstr("EvidenceNotStored"), HasSubstr("so it is")));
}

TEST_F(WatchedPodsTest, ManyThatHangTogetherAreCountedAndTheOldest100AreNamed) {
  constexpr int kPods = 1000;
  for (int i = 0; i < kPods; ++i) See(WrappedPod("uid-" + std::to_string(i), false));
  size_t at_once = 0;
  std::vector<std::string> names;
  for (;;) {
    const std::vector<Command> sent = Step();
    if (sent.empty()) break;
    size_t ends = 0;
    for (const Command& command : sent) {
      const bool end = command.request.path.find("tailLines") != std::string::npos;
      ends += end ? 1 : 0;
      if (command.purpose == Purpose::ReadLog) {
        const size_t from = command.request.path.find("uid-");
        const size_t to = command.request.path.find('/', from);
        ReplyText(command, HungLine(command.request.path.substr(from, to - from)));
      } else if (command.purpose == Purpose::LoadEvidence) {
        wire_.Reply(command, 200, {{"items", json::array()}});
      } else {
        if (command.purpose == Purpose::WriteEvidence) names.push_back(Body(command)["metadata"]["name"]);
        wire_.Reply(command, 201, json::object());
      }
    }
    at_once = std::max(at_once, ends);
  }
  EXPECT_EQ(pods_->Sample()->namespaces.at("builds").hung_by_class.at("Idle"), kPods);
  EXPECT_EQ(pods_->Sample()->hung.size(), 100U);
  EXPECT_EQ(at_once, 1U) << "they are of one Job";
  EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), names.size());
}

TEST_F(WatchedPodsTest, AThousandHealthyOnesTakeLittleMemoryAndARoundCostsNothing) {
  std::vector<WatchedPodSeen> seen;
  for (int i = 0; i < 1000; ++i) {
    auto parsed =
        ParseWatchedPod(WrappedPod("0a3c7a7e-67f5-4e0f-9b54-" + std::to_string(100000000000 + i)).dump());
    ASSERT_TRUE(parsed);
    EXPECT_THAT(parsed->pod.images, IsEmpty());
    seen.push_back({Change::Upsert, std::move(*parsed)});
  }
  const size_t bytes = Allocates([&] {
    for (const auto& each : seen) pods_->Observe(each, wire_.now);
  });
  EXPECT_LE(bytes, 3U << 20);
  static_cast<void>(pods_->Sample());
  EXPECT_EQ(Allocates([&] { pods_->Step(wire_.now); }), 0U);
}

TEST(ParseWatchedPodTest, TheMarkedContainerIsTheOneThatIsWatched) {
  json pod = WrappedPod();
  const json main = pod["spec"]["containers"][0];
  pod["spec"]["containers"] = json::array({{{"name", "proxy"}, {"image", "p"}}, main});
  auto parsed = ParseWatchedPod(pod.dump());
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->pod.container, "main");
  EXPECT_EQ(parsed->pod.marker, "uid-1");
  EXPECT_EQ(parsed->wrapping, Wrapping::Whole);
  pod["spec"]["containers"] = json::array();
  parsed = ParseWatchedPod(pod.dump());
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->wrapping, Wrapping::NoCommand);
}

}  // namespace
}  // namespace imagebatch::cluster
