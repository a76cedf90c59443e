#include "cluster/control/attempts.h"

#include <gmock/gmock.h>

#include "base/overloaded.h"
#include "batch/read.h"
#include "batch/stage_uses.h"
#include "cluster/objects/names.h"
#include "cluster/store/input.h"
#include "unit/cluster/support.h"

namespace imagebatch::cluster {
namespace {

using kube::Method;
using nlohmann::json;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using State = ContainerView::State;

/// What an earlier process left.
ParkedObjects Left(const std::vector<JobView>& jobs, const std::vector<PodView>& pods) {
  ParkedObjects left;
  for (const JobView& job : jobs) left.jobs.Put({Change::Upsert, job});
  for (const PodView& pod : pods) left.pods.Put({Change::Upsert, pod});
  return left;
}

/// Two builds, and what is decided about their attempts; the test answers the requests.
class AttemptsTest : public testing::Test {
 protected:
  AttemptsTest() {
    const json pod = {
        {"spec", {{"containers", {{{"name", "build"}, {"image", "i"}, {"command", {"x", "$(image)"}}}}}}}};
    const json object = {
        {"apiVersion", "imagebatch.dev/v1alpha1"},
        {"kind", "ImageBatch"},
        {"metadata", {{"name", "b"}, {"namespace", "builds"}, {"uid", "batch"}, {"generation", 1}}},
        {"spec",
         {{"images", {{"rows", {{{"name", "a"}}, {{"name", "b"}}}}}},
          {"stall", {{"action", "Retry"}, {"afterSeconds", 600}}},
          {"stages", {{{"name", "image"}, {"image", "r.example/image:$(name)"}, {"template", pod}}}}}}};
    auto read = batch::ReadBatch(object);
    EXPECT_TRUE(read) << Describe(read.error());
    batch_ = std::move(*read);
    batch::Rows rows(batch::UsedColumns(batch_));
    std::vector<batch::Problem> problems;
    batch::ReadInlineRows(batch_.images, rows, problems);
    auto expansion = batch::Expand(batch_, std::move(rows));
    EXPECT_TRUE(expansion) << Describe(expansion.error());
    builds_.emplace(batch_, std::move(*expansion));
    policy_.retry_hung = {true};
    Restart();
  }

  void Restart() {
    wire_.requests.Take();
    plan_.emplace(Unconnected(2), 1, policy_);
    attempts_.emplace(batch_, *builds_, kit_, *plan_, wire_.channel);
  }

  std::string Name(uint32_t build = 0, int attempt = 1) const { return builds_->JobName(build, attempt); }

  JobView Job(uint32_t build = 0, int attempt = 1) const {
    JobView job;
    job.ns = "builds";
    job.name = Name(build, attempt);
    job.uid = "job-" + job.name;
    job.batch_uid = "batch";
    job.build = builds_->hash(build);
    job.attempt = attempt;
    job.version = 10;
    job.created = kBegin;
    return job;
  }

  PodView Pod(State state, uint32_t build = 0, int attempt = 1) const {
    PodView pod;
    pod.ns = "builds";
    pod.name = Name(build, attempt) + "-x";
    pod.uid = "pod-" + pod.name;
    pod.job = Name(build, attempt);
    pod.job_uid = "job-" + pod.job;
    pod.batch_uid = "batch";
    pod.version = 10;
    pod.created = pod.step_done = kBegin;
    pod.node = "n";
    pod.container = "build";
    pod.build = ContainerView();
    pod.build->name = "build";
    pod.build->state = state;
    pod.build->ready = state == State::Running;
    if (state != State::Waiting) pod.build->started = kBegin + seconds(1);
    return pod;
  }

  /// What has happened of this kind.
  template <class Kind>
  std::vector<Kind> Take() {
    std::vector<Kind> taken;
    for (Happening& happening : attempts_->TakeHappenings()) {
      if (auto* wanted = std::get_if<Kind>(&happening)) taken.push_back(std::move(*wanted));
    }
    return taken;
  }

  /// Starts the first attempt of build 0, up to its running Pod.
  void RunOne() {
    Start();
    Reply(wire_.Only(), Job());
    attempts_->Observe(PodSeen{Change::Upsert, Pod(State::Running)}, wire_.now);
    attempts_->Step(wire_.now);
  }

  void Start() {
    for (const plan::Start& start : plan_->Decide(wire_.now.wall)) {
      if (start.build == 0) attempts_->Start(start, wire_.now);
    }
  }

  /// Starts both builds; the create of the first is returned, the second waits for its turn.
  Command StartBoth() {
    for (const plan::Start& start : plan_->Decide(wire_.now.wall + minutes(10)))
      attempts_->Start(start, wire_.now);
    return wire_.Only();
  }

  void Reply(const Command& command, const JobView& job) {
    wire_.Reply(
        command, 200,
        {{"metadata",
          {{"name", job.name},
           {"namespace", job.ns},
           {"uid", job.uid},
           {"resourceVersion", std::to_string(job.version)},
           {"creationTimestamp", FormatTime(job.created)},
           {"labels",
            {{"imagebatch.dev/build", job.build}, {"imagebatch.dev/attempt", std::to_string(job.attempt)}}},
           {"ownerReferences",
            {{{"apiVersion", "imagebatch.dev/v1alpha1"},
              {"kind", "ImageBatch"},
              {"name", "b"},
              {"uid", job.batch_uid},
              {"controller", true}}}}}}});
  }

  void Refuse(const Command& command, int status, const std::string& reason) {
    wire_.Reply(command, status, {{"kind", "Status"}, {"reason", reason}, {"message", "no"}});
  }

  void ReplyNoPods(const Command& command) {
    EXPECT_NE(command.request.path.find("/pods?"), std::string::npos) << command.request.path;
    wire_.Reply(command, 200, {{"items", json::array()}});
  }

  void Pass(Duration time) {
    wire_.Pass(time);
    attempts_->Step(wire_.now);
  }

  std::vector<std::string> Reasons() {
    std::vector<std::string> reasons;
    for (const auto& concluded : Take<Concluded>()) reasons.push_back(concluded.outcome.reason);
    return reasons;
  }

  /// The builds that could be started now, with room for all.
  std::vector<uint32_t> Startable() {
    std::vector<uint32_t> builds;
    for (const plan::Start& start : plan_->Decide(wire_.now.wall + std::chrono::hours(1)))
      builds.push_back(start.build);
    return builds;
  }

  Wire wire_;
  batch::Batch batch_;
  std::optional<Builds> builds_;
  RunnerKit kit_{{"runner:1"}, Markers("secret")};
  plan::Policy policy_;
  std::optional<plan::Plan> plan_;
  std::optional<Attempts> attempts_;
};

TEST_F(AttemptsTest, AConflictIsNoSignOfAJobOfThatName) {
  Start();
  const Command first = wire_.Only();
  Refuse(first, 409, "Conflict");  // as a ResourceQuota answers for which creates race
  Pass(seconds(2));
  const Command again = wire_.Only();
  EXPECT_EQ(again.request.method, Method::Post);
  EXPECT_EQ(Body(again)["metadata"]["name"], Name());
  EXPECT_THAT(Reasons(), IsEmpty());
}

TEST_F(AttemptsTest, ANameThatWasTakenAndIsFreeAgainIsUsed) {
  Start();
  Refuse(wire_.Only(), 409, "AlreadyExists");
  Refuse(wire_.Only(), 404, "NotFound");
  ReplyNoPods(wire_.Only());
  const Command again = wire_.Only();
  EXPECT_EQ(again.request.method, Method::Post);
  EXPECT_EQ(Body(again)["metadata"]["name"], Name());
  EXPECT_THAT(Reasons(), IsEmpty());
}

TEST_F(AttemptsTest, ATakenNameCostsTheBuildNoneOfItsTries) {
  Start();
  Refuse(wire_.Only(), 409, "AlreadyExists");
  JobView other = Job();
  other.batch_uid = "another";
  Reply(wire_.Only(), other);
  const auto concluded = Take<Concluded>();
  ASSERT_THAT(concluded, SizeIs(1));
  EXPECT_EQ(concluded[0].outcome.reason, "JobNameTaken");
  EXPECT_EQ(concluded[0].outcome.cause, plan::Cause::Infrastructure);
}

TEST_F(AttemptsTest, AJobThatIsSeenWhileItsTurnIsYetToComeIsNotCreatedAgain) {
  const Command first = StartBoth();
  attempts_->Observe(JobSeen{Change::Upsert, Job(1)}, wire_.now);
  Reply(first, Job());
  attempts_->Step(wire_.now);
  EXPECT_TRUE(wire_.Silent());
  EXPECT_EQ(plan_->state(1), plan::State::Pending);
}

TEST_F(AttemptsTest, AJobOfWhichAPodIsSeenIsLookedForBeforeItIsCreated) {
  const Command first = StartBoth();
  attempts_->Observe(PodSeen{Change::Upsert, Pod(State::Running, 1)}, wire_.now);
  const Command look = wire_.Only();
  EXPECT_EQ(look.request.method, Method::Get);
  EXPECT_TRUE(look.request.path.ends_with("/jobs/" + Name(1))) << look.request.path;
  Reply(first, Job());
  EXPECT_TRUE(wire_.Silent());
  Reply(look, Job(1));
  attempts_->Step(wire_.now);
  EXPECT_TRUE(wire_.Silent());
  EXPECT_EQ(plan_->state(1), plan::State::Running);
}

TEST_F(AttemptsTest, ABuildThatAnotherAttemptHasFinishedMeanwhileIsNotBuiltAgain) {
  plan_->Observe(1, {2, plan::Phase::Failed, plan::Cause::Infrastructure, kBegin});
  const Command first = StartBoth();
  JobView late = Job(1, 1);  // that nobody knew of
  late.phase = JobView::Phase::Complete;
  attempts_->Observe(JobSeen{Change::Upsert, late}, wire_.now);
  ReplyNoPods(wire_.Only());
  EXPECT_EQ(plan_->state(1), plan::State::Succeeded);
  Reply(first, Job());
  attempts_->Step(wire_.now);
  EXPECT_TRUE(wire_.Silent());
}

TEST_F(AttemptsTest, OnlyWhatIsRefusedForGoodCountsAgainstItsBuild) {
  Start();
  for (const auto& [status, reason] :
       {std::pair(400, "BadRequest"), {403, "Forbidden"}, {500, "InternalError"}}) {
    Refuse(wire_.Only(), status, reason);
    EXPECT_THAT(Reasons(), IsEmpty()) << status;
    Pass(minutes(1));
  }
  Refuse(wire_.Only(), 422, "Invalid");
  EXPECT_THAT(Reasons(), ElementsAre("JobRejected"));
}

TEST_F(AttemptsTest, APodThatNamesAJobOfAnotherUidIsNotBelieved) {
  Start();
  Reply(wire_.Only(), Job());
  PodView stranger = Pod(State::Running);
  stranger.job_uid = "another";
  attempts_->Observe(PodSeen{Change::Upsert, stranger}, wire_.now);
  attempts_->Step(wire_.now);
  EXPECT_EQ(plan_->state(0), plan::State::Pending);
}

TEST_F(AttemptsTest, APodThatIsSeenBeforeItsJobCountsOnceThatIsKnown) {
  Start();
  PodView stranger = Pod(State::Terminated);
  stranger.uid = "stranger";
  stranger.job_uid = "another";
  attempts_->Observe(PodSeen{Change::Upsert, stranger}, wire_.now);
  attempts_->Observe(PodSeen{Change::Upsert, Pod(State::Running)}, wire_.now);
  EXPECT_EQ(plan_->state(0), plan::State::Pending);
  Reply(wire_.Only(), Job());
  attempts_->Step(wire_.now);
  EXPECT_EQ(plan_->state(0), plan::State::Running);
}

TEST_F(AttemptsTest, ADeletedJobIsOverWhenItsPodIs) {
  RunOne();
  JobView job = Job();
  job.version = 11;
  attempts_->Observe(JobSeen{Change::Gone, job}, wire_.now);
  PodView pod = Pod(State::Running);
  pod.deleting = true;
  pod.deletion = kBegin + minutes(1);
  attempts_->Observe(PodSeen{Change::Upsert, pod}, wire_.now);
  Pass(minutes(1));
  EXPECT_TRUE(wire_.Silent());
  EXPECT_THAT(Reasons(), IsEmpty());
  EXPECT_EQ(plan_->state(0), plan::State::Running);
  Pass(minutes(11));
  EXPECT_EQ(attempts_->flagged().at(Name()).verdict.class_name, "Terminating") << "it is told if that lasts";

  pod.version = 12;
  attempts_->Observe(PodSeen{Change::Gone, pod}, wire_.now);
  ReplyNoPods(wire_.Only());
  EXPECT_THAT(Reasons(), ElementsAre("JobDeleted"));
}

TEST_F(AttemptsTest, TheOrphanOfADeletedJobIsFollowedToItsEnd) {
  RunOne();
  JobView job = Job();
  job.version = 11;
  attempts_->Observe(JobSeen{Change::Gone, job}, wire_.now);
  Pass(minutes(30));
  EXPECT_THAT(Reasons(), IsEmpty());
  PodView pod = Pod(State::Terminated);
  pod.version = 12;
  attempts_->Observe(PodSeen{Change::Upsert, pod}, wire_.now);
  ReplyNoPods(wire_.Only());
  EXPECT_THAT(Reasons(), ElementsAre("JobDeleted"));
}

TEST_F(AttemptsTest, ABuildWaitsForAPodThatAnEarlierProcessLeftWithoutAJob) {
  for (const bool stored : {false, true}) {
    Restart();
    if (stored) plan_->Observe(0, {1, plan::Phase::Failed, plan::Cause::Infrastructure, kBegin});
    attempts_->Adopt(Left({}, {Pod(State::Running)}), {}, wire_.now);
    EXPECT_THAT(Startable(), ElementsAre(1));
    Refuse(wire_.Only(), 404, "NotFound");
    wire_.Reply(wire_.Only(), 200,
                {{"items",
                  {{{"metadata",
                     {{"name", Name() + "-x"},
                      {"namespace", "builds"},
                      {"uid", "pod-" + Name() + "-x"},
                      {"resourceVersion", "10"},
                      {"labels",
                       {{"imagebatch.dev/batch-uid", "batch"},
                        {"batch.kubernetes.io/job-name", Name()},
                        {"batch.kubernetes.io/controller-uid", "job-" + Name()}}}}},
                    {"status", {{"phase", "Running"}}}}}}});
    EXPECT_THAT(Startable(), IsEmpty());
    PodView pod = Pod(State::Terminated);
    pod.version = 12;
    attempts_->Observe(PodSeen{Change::Upsert, pod}, wire_.now);
    wire_.requests.Take();
    EXPECT_THAT(Startable(), ElementsAre(0)) << stored;
  }
}

TEST_F(AttemptsTest, APodThatIsNotInTheListIsGone) {
  RunOne();
  JobView job = Job();
  job.version = 11;
  attempts_->Observe(JobSeen{Change::Gone, job}, wire_.now);
  attempts_->Observe(ListBegun{Collection::Pods}, wire_.now);
  attempts_->Observe(ListEnded{Collection::Pods, 20}, wire_.now);
  ReplyNoPods(wire_.Only());
  EXPECT_THAT(Reasons(), ElementsAre("JobDeleted"));
}

TEST_F(AttemptsTest, ARefusedDeletionHoldsBackItsOwnBuildAlone) {
  policy_.parallelism = 2;
  Restart();
  RunOne();
  attempts_->EndAll({plan::Cause::Build, "DeadlineExceeded", "m"}, wire_.now);
  const auto concluded = Take<Concluded>();
  ASSERT_THAT(concluded, SizeIs(1));
  EXPECT_TRUE(concluded[0].to_delete);
  EXPECT_TRUE(wire_.Silent()) << "its result is not stored";
  attempts_->Stored(Name(), wire_.now);
  const Command deletion = wire_.Only();
  EXPECT_EQ(deletion.request.method, Method::Delete);
  EXPECT_EQ(Body(deletion)["preconditions"]["uid"], "job-" + Name());
  Refuse(deletion, 403, "Forbidden");
  EXPECT_THAT(Startable(), IsEmpty())
      << "two places, one for what is to be deleted, one that build 1 has had";
  Pass(seconds(2));
  wire_.Reply(wire_.Only(), 200, json::object());
  Pass(minutes(5));
  EXPECT_TRUE(wire_.Silent()) << "it is going";
  EXPECT_THAT(Startable(), IsEmpty()) << "its Pod may run";
  JobView job = Job();
  job.version = 11;
  attempts_->Observe(JobSeen{Change::Gone, job}, wire_.now);
  PodView pod = Pod(State::Running);
  attempts_->Observe(PodSeen{Change::Gone, pod}, wire_.now);
  ReplyNoPods(wire_.Only());
  EXPECT_THAT(Startable(), ElementsAre(0));
}

TEST_F(AttemptsTest, AJobThatIsFoundOfAnEndedAttemptGoesOnlyOnceTheResultOfThatIsStored) {
  RunOne();
  JobView job = Job();
  job.version = 11;
  attempts_->Observe(JobSeen{Change::Gone, job}, wire_.now);
  attempts_->Observe(PodSeen{Change::Gone, Pod(State::Running)}, wire_.now);
  ReplyNoPods(wire_.Only());
  EXPECT_THAT(Reasons(), ElementsAre("JobDeleted"));
  // A create whose reply was lost had been sent again
  job.uid = "job-second";
  job.version = 12;
  attempts_->Observe(JobSeen{Change::Upsert, job}, wire_.now);
  Reply(wire_.Only(), job);
  EXPECT_TRUE(wire_.Silent()) << "a crash would leave neither the Job nor the result";
  attempts_->Stored(Name(), wire_.now);
  const Command deletion = wire_.Only();
  EXPECT_EQ(deletion.request.method, Method::Delete);
  EXPECT_EQ(Body(deletion)["preconditions"]["uid"], "job-second");
}

TEST_F(AttemptsTest, WhatIsFoundAgainAfterARestartIsNoProgress) {
  wire_.Pass(minutes(10));
  attempts_->Adopt(Left({Job()}, {Pod(State::Running)}), {}, wire_.now);
  attempts_->Step(wire_.now);
  EXPECT_EQ(attempts_->progress(), kBegin + seconds(1)) << "when its build began";
}

TEST_F(AttemptsTest, AVerdictThatWasToldBeforeARestartIsNoNews) {
  wire_.Pass(minutes(10));
  PodView pod = Pod(State::Running);
  pod.build->ready = false;
  pod.ready_changed = kBegin + minutes(2);
  pod.marker = "m";
  const ToldVerdict told{
      Name(),   0,   1, Verdict{Verdict::Kind::Hang, "Unobserved", "", "it is silent", kBegin + minutes(3)},
      pod.name, "n", {}};
  attempts_->Adopt(Left({Job()}, {pod}), {told}, wire_.now);
  EXPECT_EQ(attempts_->flagged().at(Name()).verdict.since, kBegin + minutes(3));
  for (int i = 0; i < 20; ++i) {
    for (const Command& read : wire_.requests.Take())
      wire_.requests.Deliver(read.id, kube::Response{200, "", std::nullopt}, wire_.now);
    Pass(seconds(5));
    ASSERT_EQ(attempts_->flagged().at(Name()).verdict.since, kBegin + minutes(3)) << i;
  }
  EXPECT_THAT(Take<VerdictChange>(), IsEmpty());
  pod.build->ready = true;
  pod.version = 11;
  attempts_->Observe(PodSeen{Change::Upsert, pod}, wire_.now);
  const auto changes = Take<VerdictChange>();
  ASSERT_THAT(changes, SizeIs(1));
  EXPECT_FALSE(changes[0].stands) << "that it goes on again is news";
}

TEST_F(AttemptsTest, AVerdictComesBeforeTheEndOfItsAttempt) {
  PodView pod = Pod(State::Running);
  pod.build->ready = false;
  pod.ready_changed = kBegin + minutes(2);
  pod.marker = "m";
  attempts_->Adopt(Left({Job()}, {pod}), {}, wire_.now);
  const auto answer = [&] {
    for (const Command& read : wire_.requests.Take())
      wire_.requests.Deliver(read.id, kube::Response{200, "", std::nullopt}, wire_.now);
  };
  for (int i = 0; i < 100 && attempts_->flagged().size(Verdict::Kind::Hang) == 0; ++i) {
    answer();
    Pass(seconds(5));
  }
  JobView job = Job();
  job.version = pod.version = 11;
  job.phase = JobView::Phase::Failed;
  pod.over = true;
  pod.build->state = State::Terminated;
  pod.build->exit_code = 3;
  attempts_->Observe(PodSeen{Change::Upsert, pod}, wire_.now);
  attempts_->Observe(JobSeen{Change::Upsert, job}, wire_.now);
  answer();
  std::vector<std::string> happened;
  for (const Happening& happening : attempts_->TakeHappenings()) {
    std::visit(Overloaded{[&](const VerdictChange& change) {
                            happened.emplace_back(change.stands ? "hangs" : "goes on");
                          },
                          [&](const Concluded&) { happened.emplace_back("ends"); }, [](const auto&) {}},
               happening);
  }
  EXPECT_THAT(happened, ElementsAre("hangs", "ends"));
}

TEST_F(AttemptsTest, AClockThatIsAheadEndsNoPodThatHasJustBegunToWait) {
  Start();
  Reply(wire_.Only(), Job());
  wire_.now.wall += minutes(20);
  PodView pod = Pod(State::Waiting);
  pod.waiting = {"build", "ImagePullBackOff", "no such image", "i"};
  attempts_->Observe(PodSeen{Change::Upsert, pod}, wire_.now);
  Pass(minutes(9));
  EXPECT_TRUE(wire_.Silent());
  Pass(minutes(1));
  EXPECT_NE(wire_.Only().request.path.find("/pods?"), std::string::npos) << "a last look";
}

}  // namespace
}  // namespace imagebatch::cluster
