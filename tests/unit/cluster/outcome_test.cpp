#include "cluster/objects/outcome.h"

#include <gtest/gtest.h>

#include <functional>

namespace imagebatch::cluster {
namespace {

using plan::Cause;
using std::chrono::seconds;

constexpr Time kCreated{std::chrono::hours(24 * 365 * 50)};
constexpr Time kStarted = kCreated + seconds(5), kFinished = kCreated + seconds(60),
               kJobFinished = kCreated + seconds(62);

JobView Job(JobView::Phase phase) {
  JobView job;
  job.name = "j";
  job.phase = phase;
  job.reason = "BackoffLimitExceeded";
  job.message = "Job has reached the specified backoff limit";
  job.created = kCreated;
  job.finished = kJobFinished;
  return job;
}

PodView Pod(int exit_code, std::string reason, std::string message = "") {
  PodView pod;
  pod.name = "p";
  pod.node = "n";
  pod.marker = "m1";
  ContainerView build;
  build.state = ContainerView::State::Terminated;
  build.exit_code = exit_code;
  build.reason = std::move(reason);
  build.message = std::move(message);
  build.started = kStarted;
  build.finished = kFinished;
  pod.build = std::move(build);
  return pod;
}

constexpr const char* kHung =
    R"({"marker": "m1", "exitCode": 124, "verdict": "Hung", "class": "Idle", "reason": "NoActivity",
        "since": "2026-01-02T03:04:05Z", "message": "nothing for 300 s"})";

struct Case {
  const char* what;
  Rare<PodView> pod;
  bool succeeded;
  Cause cause;
  const char *reason, *message;
};

PodView With(PodView pod, const std::function<void(PodView&)>& change) {
  change(pod);
  return pod;
}

TEST(OutcomeTest, OfAFailedJob) {
  const Case cases[] = {
      {"an error", Pod(3, "Error", R"({"marker": "m1", "exitCode": 3, "verdict": "Progressing"})"), false,
       Cause::Build, "Error", "the command ended with exit code 3"},
      {"no account of a runner", Pod(1, "Error", "panic: oh"), false, Cause::Build, "Error",
       "the command ended with exit code 1"},
      {"hung and ended by the runner", Pod(124, "Error", kHung), false, Cause::Hang, "Hung",
       "nothing for 300 s"},
      {"hung, but it ended by itself", Pod(1, "Error", kHung), false, Cause::Build, "Error",
       "the command ended with exit code 1"},
      {"exit code 124 of the command itself",
       Pod(124, "Error", R"({"marker": "m1", "verdict": "Progressing"})"), false, Cause::Build, "Error",
       "the command ended with exit code 124"},
      {"a verdict that is no text", Pod(124, "Error", R"({"marker": "m1", "verdict": ["Hung"]})"), false,
       Cause::Build, "Error", "the command ended with exit code 124"},
      {"out of memory", Pod(137, "OOMKilled"), false, Cause::Build, "OOMKilled",
       "the build used more memory than its limit"},
      {"out of memory in a child", Pod(0, "OOMKilled"), false, Cause::Build, "OOMKilled",
       "the build used more memory than its limit"},
      {"a command that is not there", Pod(128, "StartError", "exec: \"x\":\nnot found"), false, Cause::Build,
       "StartError", "exec: \"x\": not found"},
      {"a container that cannot run", Pod(127, "ContainerCannotRun", "no"), false, Cause::Build,
       "ContainerCannotRun", "no"},
      {"no Pod", std::nullopt, false, Cause::Infrastructure, "PodDeleted",
       "its Pod was removed before it ended"},
      {"evicted", With(Pod(137, "Error"), [](PodView& pod) { pod.disruption = "Evicted"; }), false,
       Cause::Infrastructure, "Evicted",
       "its Pod was disrupted: Job has reached the specified backoff limit"},
      {"evicted with a hang's account",
       With(Pod(124, "Error", kHung), [](PodView& pod) { pod.disruption = "Evicted"; }), false,
       Cause::Infrastructure, "Evicted",
       "its Pod was disrupted: Job has reached the specified backoff limit"},
      {"short of disk on the node",
       With(Pod(137, "Error"),
            [](PodView& pod) {
              pod.disruption = "TerminationByKubelet";
              pod.failure = "Evicted";
              pod.failure_message = "The node was low on resource: ephemeral-storage.";
            }),
       false, Cause::Infrastructure, "TerminationByKubelet",
       "its Pod was disrupted: The node was low on resource: ephemeral-storage."},
      {"preempted", With(Pod(143, "Error"), [](PodView& pod) { pod.disruption = "PreemptionByScheduler"; }),
       false, Cause::Infrastructure, "PreemptionByScheduler",
       "its Pod was disrupted: Job has reached the specified backoff limit"},
      {"its node was lost",
       With(Pod(137, "Error"), [](PodView& pod) { pod.disruption = "DeletionByTaintManager"; }), false,
       Cause::Infrastructure, "DeletionByTaintManager",
       "its Pod was disrupted: Job has reached the specified backoff limit"},
      {"its node was shut down",
       With(Pod(143, "Error"),
            [](PodView& pod) {
              pod.failure = "Terminated";
              pod.failure_message = "Pod was terminated in response to imminent node shutdown.";
            }),
       false, Cause::Infrastructure, "Terminated",
       "Pod was terminated in response to imminent node shutdown."},
      {"refused by its node",
       With(Pod(0, ""),
            [](PodView& pod) {
              pod.build.reset();
              pod.failure = "OutOfcpu";
              pod.failure_message = "Node didn't have enough resource: cpu";
            }),
       false, Cause::Infrastructure, "OutOfcpu", "Node didn't have enough resource: cpu"},
      {"past its own limit of storage",
       With(Pod(137, "Error"),
            [](PodView& pod) {
              pod.failure = "Evicted";
              pod.failure_message =
                  "Pod ephemeral local storage usage exceeds the total limit of "
                  "containers 1Gi. ";
            }),
       false, Cause::Build, "Evicted",
       "Pod ephemeral local storage usage exceeds the total limit of containers 1Gi. "},
      {"past its own limit of time",
       With(Pod(137, "Error"),
            [](PodView& pod) {
              pod.failure = "DeadlineExceeded";
              pod.failure_message = "Pod was active on the node longer than it may";
            }),
       false, Cause::Build, "DeadlineExceeded", "Pod was active on the node longer than it may"},
      {"killed, by whom is not known", Pod(137, "Error", R"({"exitCode": 137, "verdict": "Progressing"})"),
       false, Cause::Build, "Error",
       "the command ended with exit code 137: something killed it or one of its children; the kernel does so "
       "when memory runs out"},
      {"deleted while it ran", With(Pod(143, "Error"), [](PodView& pod) { pod.deleting = true; }), false,
       Cause::Infrastructure, "PodDeleted", "its Pod was deleted while it ran"},
      {"never started",
       With(Pod(0, ""), [](PodView& pod) { pod.build->state = ContainerView::State::Waiting; }), false,
       Cause::Infrastructure, "BackoffLimitExceeded",
       "the build's container never ran: Job has reached the specified backoff limit"},
      {"without a container's state", With(Pod(0, ""), [](PodView& pod) { pod.build.reset(); }), false,
       Cause::Infrastructure, "BackoffLimitExceeded",
       "the build's container never ran: Job has reached the specified backoff limit"},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.what);
    const Outcome outcome = OutcomeOf(Job(JobView::Phase::Failed), one.pod);
    EXPECT_FALSE(outcome.succeeded);
    EXPECT_EQ(outcome.cause, one.cause);
    EXPECT_EQ(outcome.reason, one.reason);
    EXPECT_EQ(outcome.message, one.message);
    EXPECT_EQ(outcome.class_name, one.cause == Cause::Hang ? "Idle" : "");
  }
}

TEST(OutcomeTest, OfACompleteJobWhateverItsPodSays) {
  for (const auto& pod :
       {Rare<PodView>(), Rare<PodView>(Pod(0, "Completed", "{}")), Rare<PodView>(Pod(0, "Completed", kHung)),
        Rare<PodView>(With(Pod(0, "Completed"), [](PodView& p) { p.disruption = "Evicted"; }))}) {
    const Outcome outcome = OutcomeOf(Job(JobView::Phase::Complete), pod);
    EXPECT_TRUE(outcome.succeeded);
    EXPECT_EQ(outcome.reason, "Succeeded");
    EXPECT_EQ(outcome.message, "");
    EXPECT_EQ(outcome.class_name, "");
  }
}

TEST(OutcomeTest, TimesAreTheContainersWhereThereAreSome) {
  const Outcome with_pod = OutcomeOf(Job(JobView::Phase::Failed), Pod(3, "Error"));
  EXPECT_EQ(with_pod.started, kStarted);
  EXPECT_EQ(with_pod.finished, kFinished);
  EXPECT_EQ(with_pod.exit_code, 3);
  EXPECT_EQ(with_pod.pod, "p");
  EXPECT_EQ(with_pod.node, "n");
  const Outcome without = OutcomeOf(Job(JobView::Phase::Failed), std::nullopt);
  EXPECT_EQ(without.started, kCreated);
  EXPECT_EQ(without.finished, kJobFinished);
  EXPECT_FALSE(without.exit_code);
  EXPECT_EQ(without.pod, "");
}

// containerd says 1970 of a container whose command could not be started
TEST(OutcomeTest, AContainerThatNeverRanHasTheTimesOfItsJob) {
  PodView pod = Pod(128, "StartError", "no such file");
  pod.build->started = pod.build->finished = Time{};
  const Outcome outcome = OutcomeOf(Job(JobView::Phase::Failed), pod);
  EXPECT_EQ(outcome.started, kCreated);
  EXPECT_EQ(outcome.finished, kJobFinished);
}

TEST(OutcomeTest, TheRunnersAccountIsKeptAndWhatIsNoneIsNot) {
  EXPECT_EQ(
      OutcomeOf(Job(JobView::Phase::Complete), Pod(0, "Completed", R"({"marker": "m1", "cpuSeconds": 4})"))
          .runner["cpuSeconds"],
      4);
  for (const char* text : {"", "[1]", "7", "{\"a\":", "null"}) {
    EXPECT_TRUE(OutcomeOf(Job(JobView::Phase::Complete), Pod(0, "Completed", text)).runner.is_null()) << text;
  }
}

TEST(OutcomeTest, AHangIsToldInFullAndItsMarkerIsNot) {
  const Outcome outcome = OutcomeOf(Job(JobView::Phase::Failed), Pod(124, "Error", kHung));
  EXPECT_EQ(outcome.class_name, "Idle");
  EXPECT_EQ(outcome.hang_reason, "NoActivity");
  EXPECT_EQ(outcome.hung_since, *ParseTime("2026-01-02T03:04:05Z"));
  EXPECT_FALSE(outcome.runner.contains("marker"));
}

// The kubelet keeps 12 KiB for all containers of a Pod
TEST(OutcomeTest, AHangIsToldFromAnAccountThatWasCut) {
  const std::string whole =
      R"({"verdict":"Hung","class":"Idle","since":"2026-01-02T03:04:05Z","marker":"m1","reason":"NoActivity",)"
      R"("message":"for 300 s nothing, \"x\", {[ of it","exitCode":124,"phases":[{"name":"a","seconds":1}]})";
  const size_t marker_end = whole.find(R"("reason")");
  for (size_t length = 0; length < whole.size(); ++length) {
    const Outcome outcome =
        OutcomeOf(Job(JobView::Phase::Failed), Pod(124, "Error", whole.substr(0, length)));
    EXPECT_EQ(outcome.cause, length < marker_end ? Cause::Build : Cause::Hang) << length;
    if (length < marker_end) continue;
    EXPECT_EQ(outcome.class_name, "Idle");
    EXPECT_EQ(outcome.hung_since, *ParseTime("2026-01-02T03:04:05Z"));
    EXPECT_FALSE(outcome.runner.contains("marker"));
  }
  EXPECT_TRUE(
      OutcomeOf(Job(JobView::Phase::Failed), Pod(124, "Error", R"(["marker":"m1",)")).runner.is_null());
}

TEST(OutcomeTest, AForgedAccountIsNotBelieved) {
  for (const char* marker : {"m2", ""}) {
    PodView pod = Pod(124, "Error", kHung);
    pod.marker = marker;  // the message carries another attempt's, or there is none that it could carry
    const Outcome outcome = OutcomeOf(Job(JobView::Phase::Failed), pod);
    EXPECT_EQ(outcome.cause, Cause::Build);
    EXPECT_EQ(outcome.reason, "Error");
    EXPECT_TRUE(outcome.runner.is_null());
  }
}

TEST(OutcomeTest, TextsAreBoundedAndPrintable) {
  nlohmann::json account = {{"marker", "m1"},
                            {"verdict", "Hung"},
                            {"class", std::string(200, 'c')},
                            {"message", std::string(3000, 'm') + "\n"}};
  const Outcome outcome = OutcomeOf(Job(JobView::Phase::Failed), Pod(124, "Error", account.dump()));
  EXPECT_EQ(outcome.message.size(), 512u);
  EXPECT_LE(outcome.class_name.size(), 40u);
  PodView evicted = Pod(1, "Error");
  evicted.disruption = std::string(200, 'd') + "\x1b";
  EXPECT_LE(OutcomeOf(Job(JobView::Phase::Failed), evicted).reason.size(), 64u);
}

TEST(OutcomeTest, OfADeletedJob) {
  const Outcome outcome = OutcomeOfDeleted(Job(JobView::Phase::Active), kFinished);
  EXPECT_FALSE(outcome.succeeded);
  EXPECT_EQ(outcome.cause, Cause::Infrastructure);
  EXPECT_EQ(outcome.reason, "JobDeleted");
  EXPECT_EQ(outcome.started, kCreated);
  EXPECT_EQ(outcome.finished, kFinished);
}

TEST(OutcomeTest, EndedIsATerminatedBuildContainer) {
  EXPECT_TRUE(Ended(Pod(0, "Completed")));
  EXPECT_FALSE(Ended(PodView()));
  EXPECT_FALSE(
      Ended(With(Pod(0, ""), [](PodView& pod) { pod.build->state = ContainerView::State::Running; })));
}

/// A Pod whose build never ran, with another container that ended.
PodView Beside(ContainerView::Role role, const char* name, int exit_code, const char* reason,
               const char* message = "") {
  PodView pod = Pod(0, "");
  if (role == ContainerView::Role::Init) pod.build = ContainerView();
  ContainerView other;
  other.name = name;
  other.role = role;
  other.state = ContainerView::State::Terminated;
  other.exit_code = exit_code;
  other.reason = reason;
  other.message = message;
  pod.others = {other};
  return pod;
}

TEST(OutcomeTest, AStepBeforeTheBuildThatFailsIsTheBuildsFailure) {
  using Role = ContainerView::Role;
  const struct {
    PodView pod;
    Cause cause;
    const char *reason, *message;
  } cases[] = {
      {Beside(Role::Init, "build", 51, "Error"), Cause::Build, "InitContainerFailed",
       "its init container build ended with exit code 51"},
      {Beside(Role::Init, "fetch", 137, "OOMKilled"), Cause::Build, "InitContainerFailed",
       "its init container fetch used more memory than its limit (OOMKilled)"},
      {Beside(Role::Init, "fetch", 128, "StartError", "exec: no such file"), Cause::Build,
       "InitContainerFailed",
       "its init container fetch ended with exit code 128 (StartError): exec: no such file"},
      {Beside(Role::Init, "imagebatch-runner", 1, "Error"), Cause::Infrastructure, "InitContainerFailed",
       "its init container imagebatch-runner ended with exit code 1"},
      {With(Beside(Role::Init, "fetch", 137, "Error"),
            [](PodView& pod) { pod.disruption = "EvictionByEvictionAPI"; }),
       Cause::Infrastructure, "EvictionByEvictionAPI",
       "its Pod was disrupted: Job has reached the specified backoff limit"},
      {Beside(Role::Other, "server", 3, "Error"), Cause::Build, "PodFailed",
       "the build's container succeeded, but another container of its Pod failed: container server ended "
       "with "
       "exit code 3"},
  };
  for (const auto& one : cases) {
    const Outcome outcome = OutcomeOf(Job(JobView::Phase::Failed), one.pod);
    EXPECT_EQ(outcome.message, one.message);
    EXPECT_EQ(outcome.reason, one.reason) << one.message;
    EXPECT_EQ(outcome.cause, one.cause) << one.message;
  }
}

TEST(OutcomeTest, ABuildThatItsPodOutlivesEndsAsTheBuildDid) {
  ContainerView server;
  server.name = "server";
  server.state = ContainerView::State::Running;
  const auto beside = [&](PodView pod) {
    pod.others = {server};
    return pod;
  };
  const JobView job = Job(JobView::Phase::Active);
  const Outcome good = OutcomeOfPod(job, beside(Pod(0, "Completed")));
  EXPECT_TRUE(good.succeeded);
  EXPECT_EQ(good.finished, kFinished);
  const Outcome bad = OutcomeOfPod(job, beside(Pod(3, "Error")));
  EXPECT_FALSE(bad.succeeded);
  EXPECT_EQ(bad.cause, Cause::Build);
  const Outcome hung = OutcomeOfPod(job, beside(Pod(124, "Error", kHung)));
  EXPECT_EQ(hung.cause, Cause::Hang);
  EXPECT_EQ(OutlivedBy(beside(Pod(0, "Completed"))), "server");
  EXPECT_EQ(OutlivedBy(Pod(0, "Completed")), "");
}

TEST(OutcomeTest, TheEndOfTheLogIsTheReasonWhereThereIsNoOther) {
  const auto with = [](const PodView& pod, const char* log) {
    Outcome outcome = OutcomeOf(Job(JobView::Phase::Failed), pod);
    AddLogEnd(outcome, log);
    return outcome.message;
  };
  EXPECT_EQ(with(Pod(127, "Error"), "building\nimagebatch-runner: cannot find mkae\n"),
            "the command ended with exit code 127; its log ends with: imagebatch-runner: cannot find mkae");
  EXPECT_EQ(with(Pod(255, "Error"), "exec /bin/sh: argument list too long"),
            "the command ended with exit code 255; its log ends with: exec /bin/sh: argument list too long");
  EXPECT_EQ(with(Pod(143, "Error"), "tick\n  \n{\"imagebatch\":\"line\",\"verdict\":\"Progressing\"}\n"),
            "the command ended with exit code 143: something asked it to stop, as the kubelet does when a "
            "livenessProbe fails; its log ends with: tick");
  EXPECT_EQ(with(Pod(1, "Error"), ""), "the command ended with exit code 1");
  EXPECT_EQ(with(Pod(124, "Error", kHung), "anything"), "nothing for 300 s") << "it has a reason";
  EXPECT_EQ(with(Pod(137, "OOMKilled"), "anything"), "the build used more memory than its limit");
  EXPECT_LE(with(Pod(1, "Error"), std::string(5000, 'x').c_str()).size(), 512u);
}

}  // namespace
}  // namespace imagebatch::cluster
