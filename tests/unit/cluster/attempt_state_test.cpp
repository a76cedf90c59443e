#include "cluster/watch/attempt_state.h"

#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "cluster/objects/parse.h"
#include "cluster/watch/stall.h"

namespace imagebatch::cluster {
namespace {

using plan::Phase;
using std::chrono::seconds;
using Role = ContainerView::Role;
using State = ContainerView::State;

constexpr Time kCreated{std::chrono::hours(24 * 365 * 50)};
Time After(int second) { return kCreated + seconds(second); }

JobView Job(const std::function<void(JobView&)>& change = [](JobView&) {}) {
  JobView job;
  job.uid = "j";
  job.created = kCreated;
  change(job);
  return job;
}

/// A running build on a node that answers.
PodView Pod(const std::function<void(PodView&)>& change = [](PodView&) {}) {
  PodView pod;
  pod.uid = "p";
  pod.node = "n";
  pod.created = pod.step_done = After(1);
  pod.ready_changed = After(4);
  pod.build = ContainerView();
  pod.build->state = State::Running;
  pod.build->ready = true;
  pod.build->started = After(3);
  change(pod);
  return pod;
}

PodView Waiting(const std::function<void(PodView&)>& change = [](PodView&) {}) {
  return Pod([&](PodView& pod) {
    pod.build = ContainerView();
    pod.ready_changed = Time{};
    change(pod);
  });
}

ContainerView Other(Role role, State state, bool up = true) {
  ContainerView container;
  container.name = "other";
  container.role = role;
  container.state = state;
  container.up = up;
  container.started = After(2);
  return container;
}

const ObjectEvent kCreatedPod{false, "SuccessfulCreate", "Created pod: j-x", "", After(30)};
const ObjectEvent kQuota{true, "FailedCreate",
                         "exceeded quota: q, requested: pods=1, used: pods=9, limited: pods=9", "",
                         After(30)};

TEST(AttemptStateTest, EveryPictureHasItsStanding) {
  const auto suspended = Job([](JobView& job) { job.suspended = true; });
  const auto resumed = Job([](JobView& job) { job.started = After(500); });
  const auto going = Job([](JobView& job) {
    job.deleting = true;
    job.deletion = After(70);
  });
  const struct {
    const char* what;
    JobView job;
    Rare<PodView> pod;
    std::optional<ObjectEvent> event;
    Standing standing;
    Phase phase;
    int since;
  } cases[] = {
      {"no Pod yet", Job(), std::nullopt, std::nullopt, Standing::WithoutPod, Phase::Pending, 0},
      {"no Pod since it was resumed", resumed, std::nullopt, std::nullopt, Standing::WithoutPod,
       Phase::Pending, 500},
      {"its Pod is about to be seen", Job(), std::nullopt, kCreatedPod, Standing::WithoutPod, Phase::Pending,
       30},
      {"a quota", Job(), std::nullopt, kQuota, Standing::KeptBack, Phase::Held, 0},
      {"a queue", suspended, std::nullopt, std::nullopt, Standing::Suspended, Phase::Held, 0},
      {"a queue has stopped it", suspended, Pod([](PodView& pod) {
         pod.gone = pod.deleting = true;
         pod.deletion = After(40);
         pod.build->state = State::Terminated;
       }),
       std::nullopt, Standing::Suspended, Phase::Held, 40},
      {"a queue is stopping it", suspended, Pod([](PodView& pod) {
         pod.deleting = true;
         pod.deletion = After(40);
       }),
       std::nullopt, Standing::Leaving, Phase::Held, 40},
      {"a queue will stop it", suspended, Pod(), std::nullopt, Standing::Running, Phase::Running, 3},
      {"it was resumed, and the last Pod is gone", resumed, Pod([](PodView& pod) {
         pod.gone = pod.deleting = true;
         pod.deletion = After(40);
         pod.build->state = State::Terminated;
       }),
       std::nullopt, Standing::WithoutPod, Phase::Pending, 500},
      {"a scheduling gate", Job(), Waiting([](PodView& pod) {
         pod.node.clear();
         pod.waiting.reason = "SchedulingGated";
       }),
       std::nullopt, Standing::Gated, Phase::Held, 1},
      {"no node", Job(), Waiting([](PodView& pod) { pod.node.clear(); }), std::nullopt, Standing::Unscheduled,
       Phase::Pending, 1},
      {"containers that do not start", Job(), Waiting(), std::nullopt, Standing::Starting, Phase::Pending, 1},
      {"no status at all", Job(), Waiting([](PodView& pod) { pod.build.reset(); }), std::nullopt,
       Standing::Starting, Phase::Pending, 1},
      {"a step before it", Job(),
       Waiting([](PodView& pod) { pod.others = {Other(Role::Init, State::Running)}; }), std::nullopt,
       Standing::Initializing, Phase::Pending, 2},
      {"a step before it, beside a sidecar", Job(), Waiting([](PodView& pod) {
         pod.others = {Other(Role::Sidecar, State::Running), Other(Role::Init, State::Running)};
       }),
       std::nullopt, Standing::Initializing, Phase::Pending, 2},
      {"a sidecar hides nothing", Job(),
       Waiting([](PodView& pod) { pod.others = {Other(Role::Sidecar, State::Running)}; }), std::nullopt,
       Standing::Starting, Phase::Pending, 1},
      {"another container hides nothing", Job(),
       Waiting([](PodView& pod) { pod.others = {Other(Role::Other, State::Running)}; }), std::nullopt,
       Standing::Starting, Phase::Pending, 1},
      {"its startupProbe has not passed", Job(), Pod([](PodView& pod) { pod.build->up = false; }),
       std::nullopt, Standing::WarmingUp, Phase::Running, 3},
      {"it runs", Job(), Pod(), std::nullopt, Standing::Running, Phase::Running, 3},
      {"it runs, unready", Job(), Pod([](PodView& pod) { pod.build->ready = false; }), std::nullopt,
       Standing::Running, Phase::Running, 3},
      {"its node is lost", Job(), Pod([](PodView& pod) { pod.node_silent = true; }), std::nullopt,
       Standing::NodeSilent, Phase::Running, 4},
      {"its node is lost, and it is to be moved", Job(), Pod([](PodView& pod) {
         pod.node_silent = pod.deleting = true;
         pod.deletion = After(370);
       }),
       std::nullopt, Standing::NodeSilent, Phase::Running, 4},
      {"its Pod is being deleted", Job(), Pod([](PodView& pod) {
         pod.deleting = true;
         pod.deletion = After(60);
       }),
       std::nullopt, Standing::Leaving, Phase::Running, 60},
      {"its Job is being deleted", going, std::nullopt, std::nullopt, Standing::Leaving, Phase::Pending, 70},
      {"it has ended, another container has not", Job(), Pod([](PodView& pod) {
         pod.build->state = State::Terminated;
         pod.build->finished = After(50);
         pod.others = {Other(Role::Other, State::Running)};
       }),
       std::nullopt, Standing::BuildEnded, Phase::Running, 50},
      {"its Pod has ended", Job(), Pod([](PodView& pod) {
         pod.build->state = State::Terminated;
         pod.build->finished = After(50);
         pod.over = true;
       }),
       std::nullopt, Standing::PodEnded, Phase::Running, 50},
      {"its Pod was refused by its node", Job(), Waiting([](PodView& pod) { pod.over = true; }), std::nullopt,
       Standing::PodEnded, Phase::Pending, 1},
      {"its Job has ended", Job([](JobView& job) {
         job.phase = JobView::Phase::Failed;
         job.finished = After(90);
       }),
       Pod(), std::nullopt, Standing::Ended, Phase::Running, 90},
  };
  std::set<Standing> seen;
  for (const auto& one : cases) {
    SCOPED_TRACE(one.what);
    const AttemptState state = StateOf(one.job, one.pod, one.event);
    EXPECT_EQ(state.standing, one.standing);
    EXPECT_EQ(state.phase, one.phase);
    EXPECT_EQ(state.since, After(one.since));
    seen.insert(state.standing);
  }
  EXPECT_EQ(seen.size(), kStandings.size()) << "each has a case";
}

TEST(AttemptStateTest, EveryStandingIsWatchedBySomebody) {
  const Limits on{seconds(600), seconds(1800)};
  for (const Standing standing : kStandings) {
    SCOPED_TRACE(static_cast<int>(standing));
    const auto limit = LimitOf(standing, on, Pod());
    switch (ProspectOf(standing)) {
      case Prospect::Progress:
        EXPECT_EQ(standing, Standing::Running) << "only a build that runs can make progress";
        EXPECT_FALSE(limit);
        break;
      case Prospect::Held:
        EXPECT_FALSE(limit);
        break;
      case Prospect::Verdict:
        ASSERT_TRUE(limit);
        EXPECT_LE(*limit, seconds(1800));
        EXPECT_TRUE(FindStall(standing, Job(), Pod(), std::nullopt)) << "a verdict needs words";
        break;
      case Prospect::End:
        ASSERT_TRUE(limit);
        EXPECT_EQ(limit, LimitOf(standing, Limits(), Pod())) << "no end can be switched off";
        break;
    }
  }
}

TEST(AttemptStateTest, AVerdictThatIsSwitchedOffNeverComes) {
  for (const Standing standing : kStandings) {
    if (ProspectOf(standing) != Prospect::Verdict) continue;
    EXPECT_FALSE(LimitOf(standing, Limits(), Pod()));
  }
}

TEST(AttemptStateTest, ALostNodeIsToldAfterMinutesWhateverPendingSecondsAre) {
  EXPECT_EQ(LimitOf(Standing::NodeSilent, {seconds(600), seconds(0)}, Pod()), seconds(180));
  EXPECT_EQ(LimitOf(Standing::NodeSilent, {seconds(20), seconds(0)}, Pod()), seconds(20));
}

TEST(AttemptStateTest, TheYoungestPodOfAJobCounts) {
  const auto pod = [](const char* uid, int created, Version version) {
    return Pod([&](PodView& one) {
      one.uid = uid;
      one.created = After(created);
      one.version = version;
    });
  };
  PodView old = pod("a", 0, 5), young = pod("b", 60, 3);
  EXPECT_TRUE(Replaces(young, old));
  old.gone = old.deleting = true;
  old.version = 99;
  EXPECT_FALSE(Replaces(old, young)) << "the end of the last Pod is no news of the next one";
  EXPECT_TRUE(Replaces(pod("b", 60, 4), young));
  EXPECT_TRUE(Replaces(pod("b", 60, 3), young)) << "the same again";
  EXPECT_FALSE(Replaces(pod("b", 60, 2), young)) << "it has been seen later already";
  PodView leaving = pod("c", 60, 50);
  leaving.deleting = true;
  EXPECT_FALSE(Replaces(leaving, young)) << "of two within one second";
  EXPECT_TRUE(Replaces(young, leaving));
}

/// A Pod as the API server shows it: build and sidecar ready, with the given condition Ready.
std::string PodJson(const char* condition, const char* containers_ready, bool build_ready) {
  return std::string(R"({"metadata": {"name": "p", "uid": "p", "resourceVersion": "7",
      "creationTimestamp": "2026-01-02T03:00:00Z",
      "annotations": {"kubectl.kubernetes.io/default-container": "build"}},
      "spec": {"nodeName": "n", "initContainers": [{"name": "dind", "restartPolicy": "Always"}],
               "containers": [{"name": "build"}, {"name": "proxy"}]},
      "status": {"phase": "Running", "conditions": [
        {"type": "Ready", "lastTransitionTime": "2026-01-02T03:04:00Z", )") +
         condition + R"(}, {"type": "ContainersReady", "status": ")" + containers_ready + R"("}],
      "initContainerStatuses": [{"name": "dind", "started": true, "state": {"running": {}}}],
      "containerStatuses": [
        {"name": "build", "started": true, "ready": )" +
         (build_ready ? "true" : "false") +
         R"(, "state": {"running": {"startedAt": "2026-01-02T03:01:00Z"}}}]}})";
}

TEST(AttemptStateTest, ALostNodeIsToldFromThePodsConditionAlone) {
  const struct {
    const char *what, *condition, *containers_ready;
    bool build_ready;
    Standing standing;
  } cases[] = {
      {"all is well", R"("status": "True")", "True", true, Standing::Running},
      {"marked by the node lifecycle controller", R"("status": "False")", "True", true, Standing::NodeSilent},
      {"as older ones did", R"("status": "Unknown")", "True", true, Standing::NodeSilent},
      {"another container is not ready", R"("status": "False", "reason": "ContainersNotReady")", "False",
       true, Standing::Running},
      {"a readiness gate", R"("status": "False", "reason": "ReadinessGatesNotReady")", "True", true,
       Standing::Running},
      {"its runner says that it hangs", R"("status": "False", "reason": "ContainersNotReady")", "False",
       false, Standing::Running},
      {"a status that is missing", R"("reason": "")", "True", true, Standing::Running},
  };
  for (const auto& one : cases) {
    const auto pod = ParsePod(PodJson(one.condition, one.containers_ready, one.build_ready));
    ASSERT_TRUE(pod);
    EXPECT_EQ(StateOf(Job(), *pod, std::nullopt).standing, one.standing) << one.what;
  }
}

}  // namespace
}  // namespace imagebatch::cluster
