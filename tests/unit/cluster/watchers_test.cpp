#include <gmock/gmock.h>

#include <random>

#include "unit/cluster/world.h"

/// Every state of an attempt is watched by somebody: whatever Kubernetes shows, with time alone it ends in a
/// verdict, is shown as held, makes progress, or has ended.
namespace imagebatch::cluster {
namespace {

using nlohmann::json;
using std::chrono::minutes;
using std::chrono::seconds;
using Random = std::mt19937;

const json kHang = {{"silentSeconds", 100}}, kStall = {{"afterSeconds", 60}, {"initSeconds", 120}};

size_t Draw(Random& random, size_t below) {
  return std::uniform_int_distribution<size_t>(0, below - 1)(random);
}
bool Chance(Random& random, int percent) { return Draw(random, 100) < static_cast<size_t>(percent); }
json OneOf(Random& random, const std::vector<json>& values) { return values[Draw(random, values.size())]; }

/// The state of a container, also such as no Kubernetes of today would show.
json State(Random& random, Time now) {
  const json then = FormatTime(now - seconds(Draw(random, 30)));
  return OneOf(
      random,
      {json::object(),
       {{"waiting", {{"reason", "ContainerCreating"}}}},
       {{"waiting", {{"reason", "PodInitializing"}}}},
       {{"waiting", {{"reason", "ImagePullBackOff"}, {"message", "Back-off"}}}},
       {{"waiting", {{"reason", "CrashLoopBackOff"}}}},
       {{"waiting", {{"reason", "ReasonOfTomorrow"}}}},
       {{"waiting", json::object()}},
       {{"running", {{"startedAt", then}}}},
       {{"running", {{"startedAt", then}}}},
       {{"running", json::object()}},
       {{"terminated",
         {{"exitCode", 0}, {"reason", "Completed"}, {"startedAt", then}, {"finishedAt", FormatTime(now)}}}},
       {{"terminated",
         {{"exitCode", 3}, {"reason", "Error"}, {"startedAt", then}, {"finishedAt", FormatTime(now)}}}},
       {{"terminated", {{"exitCode", 0}}}},
       {{"stateOfTomorrow", {{"reason", "x"}}}}});
}

json Container(Random& random, const char* name, Time now) {
  json container = {{"name", name}, {"state", State(random, now)}};
  if (Chance(random, 80)) container["ready"] = Chance(random, 50);
  if (Chance(random, 80)) container["started"] = Chance(random, 70);
  return container;
}

json PodStatus(Random& random, Time now) {
  json status = json::object();
  if (Chance(random, 90))
    status["phase"] = OneOf(random, {"Pending", "Running", "Running", "Running", "Succeeded", "Failed",
                                     "Unknown", "PhaseOfTomorrow", "", 7});
  if (Chance(random, 80)) status["containerStatuses"] = {Container(random, "build", now)};
  if (Chance(random, 30)) status["containerStatuses"].push_back(Container(random, "server", now));
  if (Chance(random, 40)) status["initContainerStatuses"] = {Container(random, "fetch", now)};
  if (Chance(random, 30)) status["initContainerStatuses"].push_back(Container(random, "dind", now));
  if (Chance(random, 20))
    status["reason"] = OneOf(random, {"Evicted", "NodeLost", "OutOfcpu", "ReasonOfTomorrow"});
  for (const char* type : {"Ready", "ContainersReady", "PodScheduled", "DisruptionTarget"}) {
    if (Chance(random, 40)) continue;
    json condition = {{"type", type}, {"lastTransitionTime", FormatTime(now)}};
    if (Chance(random, 90))
      condition["status"] = OneOf(random, {"True", "False", "False", "Unknown", "Perhaps"});
    if (Chance(random, 50))
      condition["reason"] = OneOf(random, {"ContainersNotReady", "SchedulingGated", "Unschedulable", "New"});
    status["conditions"].push_back(condition);
  }
  return status;
}

void ChangePod(Random& random, World& world, const std::string& name) {
  world.PutPod(name, [&](json& pod) {
    pod["status"] = PodStatus(random, world.now().wall);
    pod["spec"]["initContainers"].push_back({{"name", "dind"}, {"restartPolicy", "Always"}});
    if (Chance(random, 70)) pod["spec"]["nodeName"] = "n";
    if (Chance(random, 10)) pod["metadata"]["deletionTimestamp"] = FormatTime(world.now().wall + seconds(30));
    if (Chance(random, 20)) pod["metadata"]["annotations"]["imagebatch.dev/runner"] = "none";
  });
}

void ChangeJob(Random& random, World& world) {
  world.PutJob([&](json& job) {
    if (Chance(random, 40)) job["spec"]["suspend"] = Chance(random, 50);
    if (Chance(random, 30)) job["status"]["startTime"] = FormatTime(world.now().wall);
    if (Chance(random, 5)) job["metadata"]["deletionTimestamp"] = FormatTime(world.now().wall);
    if (Chance(random, 20))
      job["status"]["conditions"] = {
          {{"type", OneOf(random, {"Suspended", "FailureTarget", "ConditionOfTomorrow"})},
           {"status", "True"}}};
    if (Chance(random, 5))
      job["status"]["conditions"] = {{{"type", OneOf(random, {"Complete", "Failed"})},
                                      {"status", "True"},
                                      {"lastTransitionTime", FormatTime(world.now().wall)}}};
  });
}

const std::vector<json>& Events() {
  static const std::vector<json> events = {
      {{"type", "Warning"},
       {"reason", "FailedCreate"},
       {"message", "exceeded quota: q, requested: pods=1, used: pods=9, limited: pods=9"}},
      {{"type", "Warning"},
       {"reason", "FailedCreate"},
       {"message", "exceeded quota: q, requested: pods=1, used: pods=0, limited: pods=0"}},
      {{"type", "Warning"}, {"reason", "FailedMount"}, {"message", "secret not found"}},
      {{"type", "Warning"}, {"reason", "NodeNotReady"}, {"message", "Node is not ready"}},
      {{"type", "Normal"}, {"reason", "Pulling"}, {"message", "Pulling image"}},
      {{"type", "Normal"}, {"reason", "SuccessfulCreate"}, {"message", "Created pod: p"}},
      {{"type", "EventOfTomorrow"}},
      7};
  return events;
}

/// The build runs, its Pod's node answers, and its readiness says that it makes progress; and the log of one
/// without a runner goes on.
bool MakesProgress(World& world) {
  for (const auto& [name, object] : world.api().All(World::Kind::Pod)) {
    const PodView pod = *ParsePod(object.dump());
    if (pod.build && pod.build->state == ContainerView::State::Running && pod.build->up && !pod.node_silent &&
        (pod.build->ready && pod.runner))
      return true;
  }
  return false;
}

class WatchersTest : public testing::TestWithParam<unsigned> {};

TEST_P(WatchersTest, WithTimeAloneEveryStateIsToldOrEnds) {
  int progress = 0, held = 0, told = 0, ended = 0;
  for (unsigned seed = GetParam(); seed < GetParam() + 100; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    json hang = kHang, stall = kStall;
    hang["action"] = OneOf(random, {"Flag", "Retry", "Fail"});
    stall["action"] = hang["action"] == "Flag" ? "Flag" : "Retry";
    World world(BatchOfOne(hang, stall));
    bool logs = Chance(random, 50);
    world.answer = [&](const kube::Request& request) -> kube::Response {
      if (request.path.find("/log?") != std::string::npos && !logs) return {500, "{}", std::nullopt};
      return world.api().Handle(request, world.now().wall);
    };
    world.Run(seconds(1));
    for (size_t steps = 1 + Draw(random, 8); steps > 0 && !world.Job().is_null(); --steps) {
      const std::string pod = Chance(random, 80) ? "p" : "q";
      switch (Draw(random, 8)) {
        case 0:
          ChangeJob(random, world);
          break;
        case 1:
          world.RemovePod(pod);
          break;
        case 2:
          world.api().events[world.Job()["metadata"]["uid"]] = {OneOf(random, Events())};
          break;
        case 3:
          world.api().events[""] = {OneOf(random, Events())};
          break;
        default:
          ChangePod(random, world, pod);
          break;
      }
      world.Run(seconds(Draw(random, 90)));
    }
    // From here on nothing happens but that time passes
    world.Run(minutes(40));
    ASSERT_FALSE(HasFatalFailure());
    const json status = world.Status();
    const bool is_told = !status["hungBuilds"].empty() || !status["stalledBuilds"].empty();
    const bool has_ended = status["succeeded"].get<int>() + status["failed"].get<int>() == 1;
    const bool is_held = status["held"] == 1;
    told += is_told;
    ended += has_ended;
    held += is_held;
    const bool is_fine = !is_told && !has_ended && !is_held && status["running"] == 1 && MakesProgress(world);
    progress += is_fine;
    EXPECT_TRUE(is_told || has_ended || is_held || is_fine)
        << "nobody watches this:\n"
        << status.dump(1) << "\n"
        << world.Job()["status"].dump() << "\n"
        << (world.api().Find(World::Kind::Pod, "p") == nullptr
                ? ""
                : world.api().Find(World::Kind::Pod, "p")->dump());
    if (HasFailure()) return;
  }
  for (const int each : {progress, held, told, ended})
    EXPECT_GT(each, 0) << "the states are not random enough";
}

INSTANTIATE_TEST_SUITE_P(Seeds, WatchersTest, testing::Values(1, 1001, 2001, 3001));

}  // namespace
}  // namespace imagebatch::cluster
