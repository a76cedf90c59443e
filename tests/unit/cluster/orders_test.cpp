#include <gmock/gmock.h>

#include <set>

#include "unit/cluster/world.h"

/// Replies and watch events reach the controller in any order. Whatever it is, an attempt comes to the same
/// end.
namespace imagebatch::cluster {
namespace {

using nlohmann::json;
using std::chrono::minutes;

constexpr const char* kReplies = "replies";

/// What the cluster does once it has the Job, all of it before the controller hears of any.
struct Script {
  const char* what;
  std::function<void(World&)> cluster;
  std::function<std::string(const kube::Request&)> held;  // replies that are in the race
  json stall;
};

void PrintTo(const Script& script, std::ostream* out) { *out << script.what; }

std::string CreateOfJob(const kube::Request& request) {
  return request.method == kube::Method::Post && request.path.ends_with("/jobs") ? kReplies : "";
}

/// Creates, and all that is read of Jobs, Pods, their logs and Events.
std::string Anything(const kube::Request& request) {
  if (request.path.find("dryRun") != std::string::npos) return "";
  for (const char* part : {"/jobs", "/pods", "/events?"}) {
    if (request.path.find(part) != std::string::npos) return kReplies;
  }
  return "";
}

json Running(bool ready) {
  return {{"phase", "Running"},
          {"conditions",
           {{{"type", "Ready"},
             {"status", ready ? "True" : "False"},
             {"reason", ready ? "" : "ContainersNotReady"},
             {"lastTransitionTime", FormatTime(kBegin)}}}},
          {"containerStatuses",
           {{{"name", "build"},
             {"ready", ready},
             {"started", true},
             {"state", {{"running", {{"startedAt", FormatTime(kBegin)}}}}}}}}};
}

json Ended(int code) {
  return {{"phase", code == 0 ? "Succeeded" : "Failed"},
          {"containerStatuses",
           {{{"name", "build"},
             {"ready", false},
             {"state",
              {{"terminated",
                {{"exitCode", code},
                 {"reason", code == 0 ? "Completed" : "Error"},
                 {"startedAt", FormatTime(kBegin)},
                 {"finishedAt", FormatTime(kBegin)}}}}}}}}};
}

json Waiting(const char* reason) {
  return {{"phase", "Pending"},
          {"containerStatuses",
           {{{"name", "build"},
             {"ready", false},
             {"state", {{"waiting", {{"reason", reason}, {"message", "m"}}}}}}}}};
}

void Touch(World& world) {
  world.PutJob([](json& job) { job["metadata"]["annotations"]["touched"] = "yes"; });
}

void EndJob(World& world, const char* type) {
  world.PutJob([&](json& job) {
    job["status"]["conditions"] = {{{"type", type},
                                    {"status", "True"},
                                    {"reason", "r"},
                                    {"message", "m"},
                                    {"lastTransitionTime", FormatTime(kBegin)}}};
  });
}

void OnNode(json& pod) { pod["spec"]["nodeName"] = "n"; }

/// What people see of the batch in the end, without times.
std::string EndOf(World& world) {
  const json status = world.Status();
  std::string end;
  for (const char* state : {"held", "pending", "running", "succeeded", "failed"})
    end += std::string(state) + " " + std::to_string(status.value(state, -1)) + ", ";
  for (const char* list : {"hungBuilds", "stalledBuilds"}) {
    for (const json& build : status.value(list, json::array()))
      end += build["class"].get<std::string>() + ": " + build["message"].get<std::string>() + "; ";
  }
  for (const json& failed : status.value("failedBuilds", json::array()))
    end += failed["reason"].get<std::string>() + ": " + failed["message"].get<std::string>() + "; ";
  const size_t times = end.find(" for ");  // how long a silence has lasted
  return end.substr(0, times);
}

/// Runs the script with the choices of `path`, the first queue where it is over; brings `path` to the next
/// one. The end of it.
std::string Play(const Script& script, std::vector<std::pair<size_t, size_t>>& path, size_t depth,
                 bool one_round) {
  World world(BatchOfOne(json::object(), script.stall));
  world.hold = [&](const kube::Request& request) {
    const std::string queue = script.held(request);
    return world.now().wall > kBegin + std::chrono::seconds(1) ? std::string() : queue;
  };
  world.Settle();
  script.cluster(world);
  for (size_t step = 0;; ++step) {
    const auto waiting = world.Waiting();
    if (waiting.empty()) break;
    if (step == path.size() && step < depth) path.emplace_back(0, 0);
    size_t choice = 0;
    if (step < path.size()) {
      path[step].second = waiting.size();
      choice = path[step].first;
    }
    world.Deliver(waiting[choice], one_round);
  }
  world.Run(minutes(15));
  while (!path.empty() && ++path.back().first >= path.back().second) path.pop_back();
  return EndOf(world);
}

class OrdersTest : public testing::TestWithParam<Script> {};

TEST_P(OrdersTest, WhateverComesFirstTheEndIsTheSame) {
  std::map<std::string, int> ends;
  int runs = 0;
  for (const bool one_round : {false, true}) {
    std::vector<std::pair<size_t, size_t>> path;
    do {
      ++ends[Play(GetParam(), path, one_round ? 5 : 7, one_round)];
      ++runs;
      ASSERT_LT(runs, 20000);
    } while (!path.empty());
  }
  std::string all;
  for (const auto& [end, count] : ends) all += std::to_string(count) + " times: " + end + "\n";
  EXPECT_EQ(ends.size(), 1u) << GetParam().what << ", " << runs << " orders:\n" << all;
  EXPECT_GT(runs, 1) << "there is no race to speak of";
}

const json kFlag = {{"afterSeconds", 60}, {"initSeconds", 120}, {"action", "Flag"}};
const json kRetry = {{"afterSeconds", 60}, {"initSeconds", 120}, {"action", "Retry"}};

INSTANTIATE_TEST_SUITE_P(
    All, OrdersTest,
    testing::Values(
        Script{"a Job without a Pod",
               [](World& world) {
                 Touch(world);
                 Touch(world);
               },
               CreateOfJob, kFlag},
        Script{"a Pod that does not start",
               [](World& world) {
                 Touch(world);
                 world.PutPod("p", OnNode);
                 world.PutPod("p", [](json& pod) { pod["status"] = Waiting("ErrImagePull"); });
                 world.PutPod("p", [](json& pod) { pod["status"] = Waiting("ImagePullBackOff"); });
                 Touch(world);
               },
               CreateOfJob, kFlag},
        Script{"a Pod that does not start, and may be ended",
               [](World& world) {
                 Touch(world);
                 world.PutPod("p", OnNode);
                 world.PutPod("p", [](json& pod) { pod["status"] = Waiting("ImagePullBackOff"); });
               },
               Anything, kRetry},
        Script{"a build that runs and is unready without a word",
               [](World& world) {
                 Touch(world);
                 world.PutPod("p", OnNode);
                 world.PutPod("p", [](json& pod) { pod["status"] = Running(true); });
                 world.PutPod("p", [](json& pod) { pod["status"] = Running(false); });
               },
               Anything, kFlag},
        Script{"a build that succeeds at once",
               [](World& world) {
                 world.PutPod("p", OnNode);
                 world.PutPod("p", [](json& pod) { pod["status"] = Ended(0); });
                 EndJob(world, "Complete");
               },
               Anything, kFlag},
        Script{"a build that fails at once",
               [](World& world) {
                 world.PutPod("p", OnNode);
                 world.PutPod("p", [](json& pod) { pod["status"] = Ended(3); });
                 EndJob(world, "Failed");
               },
               Anything, kFlag},
        Script{"a build that has ended in a Pod that lives on",
               [](World& world) {
                 world.PutPod("p", OnNode);
                 world.PutPod("p", [](json& pod) {
                   pod["status"] = Ended(0);
                   pod["status"]["phase"] = "Running";
                   pod["status"]["containerStatuses"].push_back(
                       {{"name", "server"}, {"state", {{"running", {{"startedAt", FormatTime(kBegin)}}}}}});
                 });
                 Touch(world);
               },
               Anything, kFlag},
        Script{"a Job that is suspended, resumed, and has a new Pod",
               [](World& world) {
                 world.PutPod("p", [](json& pod) { pod["status"] = Running(true); });
                 world.PutJob([](json& job) { job["spec"]["suspend"] = true; });
                 world.PutPod("p", [](json& pod) {
                   pod["metadata"]["deletionTimestamp"] = FormatTime(kBegin);
                   pod["status"] = Ended(0);
                 });
                 world.RemovePod("p");
                 world.PutJob([](json& job) {
                   job["spec"]["suspend"] = false;
                   job["status"]["startTime"] = FormatTime(kBegin + std::chrono::seconds(1));
                 });
                 world.PutPod("q", [](json& pod) {
                   OnNode(pod);
                   pod["metadata"]["creationTimestamp"] = FormatTime(kBegin + std::chrono::seconds(1));
                   pod["status"] = Running(true);
                 });
               },
               CreateOfJob, kFlag},
        Script{"a Job that somebody deletes",
               [](World& world) {
                 Touch(world);
                 world.PutPod("p", OnNode);
                 world.api().Remove(World::Kind::Job, world.Job()["metadata"]["name"]);
                 world.RemovePod("p");
               },
               CreateOfJob, kFlag}));

}  // namespace
}  // namespace imagebatch::cluster
