#include "cluster/stall.h"

#include <gtest/gtest.h>

#include <functional>

namespace imagebatch::cluster {
namespace {

using std::chrono::seconds;
using State = ContainerView::State;

constexpr Time kCreated{std::chrono::hours(24 * 365 * 50)};

JobView Job() {
  JobView job;
  job.name = "j";
  job.created = kCreated;
  return job;
}

/// A Pod on a node, none of whose containers has begun, for no reason that is told.
PodView Pod(const std::function<void(PodView&)>& change = [](PodView&) {}) {
  PodView pod;
  pod.name = "p";
  pod.node = "n";
  pod.step_done = kCreated + seconds(7);
  pod.build = ContainerView();
  change(pod);
  return pod;
}

PodView Waiting(const char* container, const char* reason, const char* message) {
  return Pod([&](PodView& pod) { pod.waiting = {container, reason, message}; });
}

PodView Deleting(const char* disruption, const char* failure) {
  return Pod([&](PodView& pod) {
    pod.deleting = true;
    pod.deletion = kCreated + seconds(100);
    pod.build->state = State::Running;
    pod.disruption = disruption;
    pod.failure = failure;
  });
}

struct Case {
  const char* what;
  std::optional<PodView> pod;
  std::optional<ObjectEvent> event;
  const char *klass, *message;
  int since;  // seconds after the Job's creation
  bool may_be_ended;
};

TEST(StallTest, ClassAndReason) {
  // The messages are those of Kubernetes 1.34
  const Case cases[] = {
      {"no Pod, nobody says why", std::nullopt, std::nullopt, "PodNotCreated", "its Job has no Pod", 0,
       false},
      {"no Pod for a quota", std::nullopt,
       ObjectEvent{
           true, "FailedCreate",
           "Error creating: pods \"j-x\" is forbidden: exceeded quota: q, requested: pods=1, used: pods=0, "
           "limited: pods=0"},
       "QuotaExceeded",
       "its Job has no Pod: FailedCreate: Error creating: pods \"j-x\" is forbidden: exceeded quota: q, "
       "requested: "
       "pods=1, used: pods=0, limited: pods=0",
       0, false},
      {"no Pod for want of a ServiceAccount", std::nullopt,
       ObjectEvent{true, "FailedCreate",
                   "Error creating: pods \"j-x\" is forbidden: error looking up service account"},
       "PodNotCreated",
       "its Job has no Pod: FailedCreate: Error creating: pods \"j-x\" is forbidden: error looking up "
       "service account",
       0, false},
      {"no node", Pod([](PodView& pod) {
         pod.node.clear();
         pod.waiting = {"", "Unschedulable", "0/1 nodes are available: 1 Insufficient cpu."};
       }),
       std::nullopt, "Unschedulable",
       "its Pod has no node: Unschedulable: 0/1 nodes are available: 1 Insufficient cpu.", 7, false},
      {"no scheduler", Pod([](PodView& pod) { pod.node.clear(); }), std::nullopt, "Unschedulable",
       "its Pod has no node", 7, false},
      {"an image that is not there", Waiting("build", "ImagePullBackOff", "Back-off pulling image \"x\""),
       std::nullopt, "ImagePull",
       "its container build does not start: ImagePullBackOff: Back-off pulling image \"x\"", 7, true},
      {"the runner's image", Waiting("imagebatch-runner", "ErrImagePull", "no such host"), std::nullopt,
       "ImagePull", "its container imagebatch-runner does not start: ErrImagePull: no such host", 7, true},
      {"a name that is none", Waiting("build", "InvalidImageName", ""), std::nullopt, "ImagePull",
       "its container build does not start: InvalidImageName", 7, true},
      {"an image that is never pulled", Waiting("build", "ErrImageNeverPull", ""), std::nullopt, "ImagePull",
       "its container build does not start: ErrImageNeverPull", 7, true},
      {"a large image", Pod(), ObjectEvent{false, "Pulling", "Pulling image \"x\""}, "ImagePull",
       "its containers do not start: Pulling: Pulling image \"x\"", 7, true},
      {"a key that is not there",
       Waiting("build", "CreateContainerConfigError", "couldn't find key k in ConfigMap ns/c"), std::nullopt,
       "ContainerCreating",
       "its container build does not start: CreateContainerConfigError: couldn't find key k in ConfigMap "
       "ns/c",
       7, true},
      {"a volume", Pod(), ObjectEvent{true, "FailedMount", "configmap \"x\" not found"}, "ContainerCreating",
       "its containers do not start: FailedMount: configmap \"x\" not found", 7, true},
      {"no reason", Pod(), std::nullopt, "ContainerCreating",
       "its containers do not start: Kubernetes gives no reason", 7, false},
      {"a kubelet that has not looked at it", Pod([](PodView& pod) { pod.build.reset(); }), std::nullopt,
       "ContainerCreating", "its containers do not start: Kubernetes gives no reason", 7, false},
      {"a node that does not answer", Pod(), ObjectEvent{true, "NodeNotReady", "Node is not ready"},
       "NodeLost", "its containers do not start: NodeNotReady: Node is not ready", 7, false},
      {"a Pod that does not go", Deleting("", ""), std::nullopt, "Terminating",
       "its Pod was to be gone by 2019-12-20T00:01:40Z", 100, false},
      {"a Pod that does not go from a lost node", Deleting("DeletionByTaintManager", ""), std::nullopt,
       "NodeLost", "its Pod was to be gone by 2019-12-20T00:01:40Z: DeletionByTaintManager", 100, false},
      {"the same, as older clusters say it", Deleting("", "NodeLost"), std::nullopt, "NodeLost",
       "its Pod was to be gone by 2019-12-20T00:01:40Z", 100, false},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.what);
    const auto stall = FindStall(Job(), one.pod, one.event);
    ASSERT_TRUE(stall);
    EXPECT_EQ(stall->klass, one.klass);
    EXPECT_EQ(stall->message, one.message);
    EXPECT_EQ(stall->since, kCreated + seconds(one.since));
    EXPECT_EQ(MayBeEnded(*stall), one.may_be_ended);
    EXPECT_TRUE(IsStall(stall->klass));
  }
}

TEST(StallTest, NothingIsHeldUp) {
  JobView ended = Job(), queued = Job();
  ended.phase = JobView::Phase::Failed;
  queued.suspended = true;
  EXPECT_FALSE(FindStall(ended, std::nullopt, std::nullopt));
  EXPECT_FALSE(FindStall(queued, std::nullopt, std::nullopt)) << "a queue holds it";
  EXPECT_FALSE(FindStall(Job(), std::nullopt, ObjectEvent{false, "SuccessfulCreate", "Created pod: j-x"}))
      << "the watch of Pods lags behind";
  for (const State state : {State::Running, State::Terminated}) {
    EXPECT_FALSE(FindStall(Job(), Pod([&](PodView& pod) { pod.build->state = state; }), std::nullopt));
  }
  EXPECT_FALSE(FindStall(Job(), Pod([](PodView& pod) { pod.initializing = true; }), std::nullopt));
}

TEST(StallTest, AResumedJobWaitsFromItsResumption) {
  JobView job = Job();
  job.started = kCreated + seconds(500);
  EXPECT_EQ(FindStall(job, std::nullopt, std::nullopt)->since, job.started);
}

TEST(StallTest, MessagesAreBoundedAndPrintable) {
  const auto stall = FindStall(Job(), Pod(), ObjectEvent{true, "Failed\x1b", std::string(5000, 'm') + "\n"});
  EXPECT_LE(stall->message.size(), 512u);
  EXPECT_EQ(stall->message.find('\x1b'), std::string::npos);
}

TEST(StallTest, HangsAreNoStalls) {
  for (const char* klass : {"Idle", "Deadlock", "Deadline", "Unobserved", ""})
    EXPECT_FALSE(IsStall(klass)) << klass;
}

}  // namespace
}  // namespace imagebatch::cluster
