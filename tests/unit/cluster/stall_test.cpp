#include "cluster/watch/stall.h"

#include <gmock/gmock.h>
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
  return Pod([&](PodView& pod) { pod.waiting = {container, reason, message, ""}; });
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

/// An event that is about no container.
ObjectEvent Told(bool warning, const char* reason, const char* message) {
  return {warning, reason, message, "", {}};
}

PodView With(ContainerView other) {
  return Pod([&](PodView& pod) { pod.others = {std::move(other)}; });
}

ContainerView Running(const char* name, ContainerView::Role role) {
  ContainerView container;
  container.name = name;
  container.role = role;
  container.state = State::Running;
  container.started = kCreated + seconds(9);
  return container;
}

std::optional<Stall> Find(const JobView& job, const Rare<PodView>& pod,
                          const std::optional<ObjectEvent>& event) {
  return FindStall(StateOf(job, pod, event).standing, job, pod, event);
}

struct Case {
  const char* what;
  Rare<PodView> pod;
  std::optional<ObjectEvent> event;
  const char *class_name, *message;
  int since;  // seconds after the Job's creation
  bool may_be_ended;
};

TEST(StallTest, ClassAndReason) {
  // The messages are those of Kubernetes 1.34
  const Case cases[] = {
      {"no Pod, nobody says why", std::nullopt, std::nullopt, "PodNotCreated", "its Job has no Pod", 0,
       false},
      {"no Pod for a quota", std::nullopt,
       Told(true, "FailedCreate",
            "Error creating: pods \"j-x\" is forbidden: exceeded quota: q, requested: pods=1, used: pods=0, "
            "limited: pods=0"),
       "QuotaExceeded",
       "its Job has no Pod: FailedCreate: Error creating: pods \"j-x\" is forbidden: exceeded quota: q, "
       "requested: "
       "pods=1, used: pods=0, limited: pods=0",
       0, false},
      {"no Pod for want of a ServiceAccount", std::nullopt,
       Told(true, "FailedCreate",
            "Error creating: pods \"j-x\" is forbidden: error looking up service account"),
       "PodNotCreated",
       "its Job has no Pod: FailedCreate: Error creating: pods \"j-x\" is forbidden: error looking up "
       "service account",
       0, false},
      {"no node", Pod([](PodView& pod) {
         pod.node.clear();
         pod.waiting = {"", "Unschedulable", "0/1 nodes are available: 1 Insufficient cpu.", ""};
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
      {"a large image", Pod(), Told(false, "Pulling", "Pulling image \"x\""), "ImagePull",
       "its containers do not start: Pulling: Pulling image \"x\"", 7, false},
      {"a key that is not there",
       Waiting("build", "CreateContainerConfigError", "couldn't find key k in ConfigMap ns/c"), std::nullopt,
       "ContainerCreating",
       "its container build does not start: CreateContainerConfigError: couldn't find key k in ConfigMap "
       "ns/c",
       7, true},
      {"a volume", Pod(), Told(true, "FailedMount", "configmap \"x\" not found"), "ContainerCreating",
       "its containers do not start: FailedMount: configmap \"x\" not found", 7, true},
      {"no reason", Pod(), std::nullopt, "ContainerCreating",
       "its containers do not start: Kubernetes gives no reason", 7, false},
      {"a kubelet that has not looked at it", Pod([](PodView& pod) { pod.build.reset(); }), std::nullopt,
       "ContainerCreating", "its containers do not start: Kubernetes gives no reason", 7, false},
      {"a node that does not answer", Pod(), Told(true, "NodeNotReady", "Node is not ready"), "NodeLost",
       "its containers do not start: NodeNotReady: Node is not ready", 7, false},
      {"an init container that stands still", With(Running("git", ContainerView::Role::Init)), std::nullopt,
       "Initializing", "its init container git runs since 2019-12-20T00:00:09Z", 9, false},
      {"a startupProbe that does not pass", Pod([](PodView& pod) {
         pod.build->state = State::Running;
         pod.build->up = false;
         pod.build->started = kCreated + seconds(9);
       }),
       std::nullopt, "Initializing", "its startupProbe has not passed", 9, false},
      {"a sidecar that does not get up", With([] {
         ContainerView sidecar = Running("dind", ContainerView::Role::Sidecar);
         sidecar.up = false;
         return sidecar;
       }()),
       std::nullopt, "ContainerCreating", "its sidecar dind has not passed its startupProbe", 7, true},
      {"a Pod that is gone while its Job goes on", Pod([](PodView& pod) {
         pod.gone = true;
         pod.deletion = kCreated + seconds(50);
       }),
       std::nullopt, "PodNotCreated", "its Pod is gone, and its Job has neither finished nor created another",
       50, false},
      {"a running Pod whose node does not answer", Pod([](PodView& pod) {
         pod.build->state = State::Running;
         pod.build->ready = true;
         pod.node_silent = true;
         pod.ready_changed = kCreated + seconds(60);
       }),
       std::nullopt, "NodeLost", "its node has not responded since 2019-12-20T00:01:00Z", 60, false},
      {"a Pod that does not go", Deleting("", ""), std::nullopt, "Terminating",
       "its Pod should have been gone by 2019-12-20T00:01:40Z", 100, false},
      {"a Pod that does not go from a lost node", Deleting("DeletionByTaintManager", ""), std::nullopt,
       "NodeLost", "its Pod should have been gone by 2019-12-20T00:01:40Z: DeletionByTaintManager", 100,
       false},
      {"the same, as older clusters say it", Deleting("", "NodeLost"), std::nullopt, "NodeLost",
       "its Pod should have been gone by 2019-12-20T00:01:40Z", 100, false},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.what);
    const auto stall = Find(Job(), one.pod, one.event);
    ASSERT_TRUE(stall);
    EXPECT_EQ(stall->class_name, one.class_name);
    EXPECT_EQ(stall->message, one.message);
    EXPECT_EQ(StateOf(Job(), one.pod, one.event).since, kCreated + seconds(one.since));
    EXPECT_EQ(MayBeEnded(*stall), one.may_be_ended);
    EXPECT_THAT(kStallClasses, testing::Contains(stall->class_name));
  }
}

TEST(StallTest, AnImageIsNamedHoweverKubernetesTellsOfIt) {
  // What shows depends on the moment: the kubelet's states take turns, and its Events come two at a time
  const PodView silent = Pod([](PodView& pod) {
    pod.container = "build";
    pod.images = {{"dind", "r/dind:1"}, {"build", "r/absent:1"}};
  });
  const auto waiting = [&](const char* reason, const char* message) {
    PodView pod = silent;
    pod.waiting = {"build", reason, message, "r/absent:1"};
    return pod;
  };
  const struct {
    PodView pod;
    std::optional<ObjectEvent> event;
    const char* message;
  } cases[] = {
      {waiting("ErrImagePull", ""), std::nullopt,
       "its container build does not start: ErrImagePull: image r/absent:1"},
      {waiting("ErrImagePull", "rpc error: not found"), std::nullopt,
       "its container build does not start: ErrImagePull: image r/absent:1: rpc error: not found"},
      {waiting("ImagePullBackOff", "Back-off pulling image \"r/absent:1\""), std::nullopt,
       "its container build does not start: ImagePullBackOff: Back-off pulling image \"r/absent:1\""},
      {silent, ObjectEvent{true, "Failed", "Error: ErrImagePull", "build", {}},
       "its containers do not start: Failed: image r/absent:1: Error: ErrImagePull"},
      {silent, ObjectEvent{true, "Failed", "Error: ImagePullBackOff", "dind", {}},
       "its containers do not start: Failed: image r/dind:1: Error: ImagePullBackOff"},
      {silent, ObjectEvent{true, "Failed", "Failed to pull image \"r/absent:1\": not found", "", {}},
       "its containers do not start: Failed: Failed to pull image \"r/absent:1\": not found"},
      {silent, ObjectEvent{true, "BackOff", "Back-off pulling image \"r/absent:1\"", "build", {}},
       "its containers do not start: BackOff: Back-off pulling image \"r/absent:1\""},
      {silent, ObjectEvent{true, "InspectFailed", "couldn't parse image reference", "", {}},
       "its containers do not start: InspectFailed: image r/absent:1: couldn't parse image reference"},
  };
  for (const auto& one : cases) {
    const auto stall = Find(Job(), one.pod, one.event);
    ASSERT_TRUE(stall);
    EXPECT_EQ(stall->class_name, "ImagePull") << one.message;
    EXPECT_EQ(stall->message, one.message);
    EXPECT_TRUE(MayBeEnded(*stall));
  }
  EXPECT_EQ(Find(Job(), silent, Told(true, "BackOff", "Back-off restarting failed container"))->class_name,
            "ContainerCreating");
}

TEST(StallTest, MessagesAreBoundedAndPrintable) {
  const auto stall =
      Find(Job(), Pod(), ObjectEvent{true, "Failed\x1b", std::string(5000, 'm') + "\n", "", {}});
  EXPECT_LE(stall->message.size(), 512u);
  EXPECT_EQ(stall->message.find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace imagebatch::cluster
