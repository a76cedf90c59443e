#include "hang/checks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "hang/patience.h"

namespace imagebatch::hang {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::Not;

const TimePoint kStart{seconds(50)};

/// A build that runs for an hour and did its last work, of any kind, `quiet` ago.
Input Build(Duration quiet) {
  Input input;
  input.started = kStart;
  input.now = kStart + minutes(60);
  input.limits = {.idle_after = minutes(5), .deadline = Duration::zero()};
  for (SignalProgress& signal : input.progress.signals) signal = {true, kStart};
  input.progress.signals[static_cast<size_t>(Signal::Io)].last = input.now - quiet;
  return input;
}

/// What the rule of this class finds.
std::optional<Finding> Find(Class hang_class, const Input& input) {
  for (const Rule& rule : Rules()) {
    if (rule.hang_class == hang_class) return Apply(rule, input);
  }
  ADD_FAILURE() << "no rule for " << Name(hang_class);
  return std::nullopt;
}

TEST(Rules, ThereIsOneForEachClass) {
  std::vector<Class> classes;
  for (const Rule& rule : Rules()) classes.push_back(rule.hang_class);
  EXPECT_THAT(classes, testing::ElementsAreArray(kAllClasses));
}

Input DeadBuild(Duration quiet) {
  Input input = Build(quiet);
  input.limits.deadlock_after = seconds(30);
  input.dead_part = {{.pid = 7, .waits = {{WaitFor::OwnLock, {7}, ""}}}};
  return input;
}

TEST(Deadlock, NeedsADeadPartAndARestThatIsQuiet) {
  EXPECT_FALSE(Find(Class::Deadlock, DeadBuild(seconds(30) - Duration(1))));
  const auto finding = Find(Class::Deadlock, DeadBuild(seconds(30)));
  ASSERT_TRUE(finding);
  EXPECT_EQ(finding->hang_class, Class::Deadlock);
  EXPECT_EQ(finding->reason, "WaitCycle");
  EXPECT_EQ(
      finding->message,
      "1 process waits only for itself: pid 7 waits for a lock only it could release; nothing else for 30 s "
      "(CPU, I/O, network traffic, output, new processes)");
  Input alive = DeadBuild(seconds(30));
  alive.dead_part.clear();
  EXPECT_FALSE(Find(Class::Deadlock, alive));
}

TEST(Deadlock, ZeroTurnsItOff) {
  Input input = DeadBuild(minutes(50));
  input.limits.deadlock_after = Duration::zero();
  EXPECT_FALSE(Find(Class::Deadlock, input));
}

TEST(Deadlock, IsNotSaidWithoutSeeingTheCpu) {
  Input input = DeadBuild(minutes(50));
  input.progress.signals[static_cast<size_t>(Signal::Cpu)].watched = false;
  EXPECT_FALSE(Find(Class::Deadlock, input));
}

TEST(Deadlock, ItsMessageIsBounded) {
  Input input = DeadBuild(minutes(50));
  input.dead_part.clear();
  for (int pid = 4'190'000; pid < 4'190'300; ++pid) {
    input.dead_part.push_back({.pid = pid, .waits = {{WaitFor::PipeData, {pid + 1}, "pipe [1]"}}});
  }
  EXPECT_LE(Find(Class::Deadlock, input)->message.size(), 280U);
}

TEST(Idle, IsFoundAtTheLimitAndNotBefore) {
  EXPECT_FALSE(Find(Class::Idle, Build(minutes(5) - Duration(1))));
  const auto finding = Find(Class::Idle, Build(minutes(5)));
  ASSERT_TRUE(finding);
  EXPECT_EQ(finding->hang_class, Class::Idle);
  EXPECT_EQ(finding->reason, "NoActivity");
  EXPECT_THAT(finding->message, HasSubstr("300 s"));
}

TEST(Idle, ZeroTurnsItOff) {
  Input input = Build(minutes(50));
  input.limits.idle_after = Duration::zero();
  EXPECT_FALSE(Find(Class::Idle, input));
}

TEST(Idle, IsNotSaidWithoutSeeingTheCpu) {
  Input input = Build(minutes(50));
  input.progress.signals[static_cast<size_t>(Signal::Cpu)].watched = false;
  EXPECT_FALSE(Find(Class::Idle, input));
}

TEST(Idle, AnySignalKeepsItAway) {
  for (Signal signal : kAllSignals) {
    Input input = Build(minutes(50));
    input.progress.signals[static_cast<size_t>(signal)].last = input.now - seconds(10);
    EXPECT_FALSE(Find(Class::Idle, input)) << Key(signal);
  }
}

TEST(Idle, NamesTheSignalsThatCannotBeSeen) {
  Input input = Build(minutes(6));
  EXPECT_THAT(Find(Class::Idle, input)->message, Not(HasSubstr("not watched")));
  input.progress.signals[static_cast<size_t>(Signal::Network)].watched = false;
  EXPECT_THAT(Find(Class::Idle, input)->message, HasSubstr("not watched here: network traffic"));
  EXPECT_LE(Find(Class::Idle, input)->message.size(), 280U);
}

/// A build that runs for two hours: CPU all the time, whatever else was last seen `quiet` ago.
Input BusyBuild(Duration quiet) {
  Input input;
  input.started = kStart;
  input.now = kStart + minutes(120);
  input.limits = {.idle_after = minutes(5), .silent_after = minutes(30), .deadline = Duration::zero()};
  for (SignalProgress& signal : input.progress.signals) signal = {true, kStart};
  input.progress.signals[static_cast<size_t>(Signal::Cpu)].last = input.now;
  input.progress.last_work = input.now - quiet;
  return input;
}

TEST(Busy, IsFoundAtTheLimitAndNotBefore) {
  EXPECT_FALSE(Find(Class::Busy, BusyBuild(minutes(30) - Duration(1))));
  const auto finding = Find(Class::Busy, BusyBuild(minutes(30)));
  ASSERT_TRUE(finding);
  EXPECT_EQ(finding->hang_class, Class::Busy);
  EXPECT_EQ(finding->reason, "NoOutput");
  EXPECT_THAT(finding->message, HasSubstr("1800 s"));
}

TEST(Busy, OutputProcessesAndIoKeepItAway) {
  for (Signal signal : {Signal::Output, Signal::Births, Signal::Io}) {
    Input input = BusyBuild(minutes(50));
    input.progress.signals[static_cast<size_t>(signal)].last = input.now - minutes(1);
    EXPECT_FALSE(Find(Class::Busy, input)) << Key(signal);
  }
}

TEST(Busy, TheTrafficOfALoopThatAsksDoesNot) {
  Input input = BusyBuild(minutes(50));
  input.progress.signals[static_cast<size_t>(Signal::Network)].last = input.now;
  EXPECT_TRUE(Find(Class::Busy, input));
}

TEST(Busy, IsNotSaidOfABuildAtRest) {
  Input input = BusyBuild(minutes(50));
  input.limits.idle_after = Duration::zero();
  input.progress.signals[static_cast<size_t>(Signal::Cpu)].last = input.now - minutes(40);
  EXPECT_FALSE(Find(Class::Busy, input));
}

TEST(Busy, NeedsTheSignalsItSpeaksOf) {
  for (Signal signal : {Signal::Cpu, Signal::Io}) {
    Input input = BusyBuild(minutes(50));
    input.progress.signals[static_cast<size_t>(signal)].watched = false;
    EXPECT_FALSE(Find(Class::Busy, input)) << Key(signal);
  }
}

TEST(Busy, ZeroTurnsItOff) {
  Input input = BusyBuild(minutes(50));
  input.limits.silent_after = Duration::zero();
  EXPECT_FALSE(Find(Class::Busy, input));
}

/// A build that has run for two hours, prints all the time, and last said something new `quiet` ago.
Input Chatter(Duration quiet) {
  Input input = BusyBuild(Duration::zero());
  input.progress.signals[static_cast<size_t>(Signal::Output)].last = input.now;
  input.progress.last_news = input.now - quiet;
  input.progress.last_work = kStart;
  return input;
}

TEST(Looping, IsFoundAtTheLimitAndNotBefore) {
  EXPECT_FALSE(Find(Class::Looping, Chatter(minutes(30) - Duration(1))));
  const auto finding = Find(Class::Looping, Chatter(minutes(30)));
  ASSERT_TRUE(finding);
  EXPECT_EQ(finding->hang_class, Class::Looping);
  EXPECT_EQ(finding->reason, "NothingNew");
  EXPECT_THAT(finding->message, HasSubstr("1800 s"));
  EXPECT_LE(finding->message.size(), 280U);
}

TEST(Looping, WorkBesideTheOutputKeepsItAwayAndCpuDoesNot) {
  Input input = Chatter(minutes(60));
  input.progress.last_work = input.now - minutes(29);
  EXPECT_FALSE(Find(Class::Looping, input));
  input.progress.last_work = kStart;
  input.progress.signals[static_cast<size_t>(Signal::Cpu)].last = input.now;
  EXPECT_TRUE(Find(Class::Looping, input));
}

TEST(Looping, IsSaidOfABuildThatPrintsOnly) {
  Input input = Chatter(minutes(60));
  input.progress.signals[static_cast<size_t>(Signal::Output)].last = input.now - minutes(30);
  EXPECT_FALSE(Find(Class::Looping, input));
}

TEST(Looping, NeedsToSeeTheIo) {
  Input input = Chatter(minutes(60));
  input.progress.signals[static_cast<size_t>(Signal::Io)].watched = false;
  EXPECT_FALSE(Find(Class::Looping, input));
}

TEST(Looping, ZeroTurnsItOff) {
  Input input = Chatter(minutes(60));
  input.limits.silent_after = Duration::zero();
  EXPECT_FALSE(Find(Class::Looping, input));
}

TEST(Patience, APhaseThatIsOftenQuietHasThreeTimesTheLimit) {
  Input idle = Build(minutes(15) - Duration(1));
  idle.phase = "exporting layers";
  EXPECT_FALSE(Find(Class::Idle, idle));
  idle = Build(minutes(15));
  idle.phase = "exporting layers";
  EXPECT_THAT(Find(Class::Idle, idle)->message, HasSubstr("3 times the limit, for an export is often quiet"));

  Input busy = BusyBuild(minutes(90) - Duration(1));
  busy.last_line = "Setting up linux-image-amd64 (6.1.153-1) ...";
  EXPECT_FALSE(Find(Class::Busy, busy));
  busy = BusyBuild(minutes(90));
  busy.last_line = "Setting up linux-image-amd64 (6.1.153-1) ...";
  EXPECT_THAT(Find(Class::Busy, busy)->message, HasSubstr("for dpkg is often quiet"));
}

TEST(Patience, MessagesStayShort) {
  Input input = Build(minutes(1));
  input.limits = {.idle_after = Duration(1), .silent_after = Duration(1)};
  input.phase = "importing cache manifest from registry.example/cache";
  input.progress.signals[static_cast<size_t>(Signal::Network)].watched = false;
  EXPECT_LE(Find(Class::Idle, input)->message.size(), 280U);
  input.progress.signals[static_cast<size_t>(Signal::Cpu)].last = input.now;
  EXPECT_LE(Find(Class::Busy, input)->message.size(), 280U);
}

TEST(Patience, IsAskedForByPhasesLinesAndCommands) {
  for (const char* phase :
       {"exporting to image", "exporting layers", "pushing layers", "importing cache manifest from r/x:cache",
        "preparing build cache for export", "[stage-1 4/9] RUN docker buildx prune -af"}) {
    EXPECT_EQ(PatienceOf(phase, "").factor, 3) << phase;
  }
  for (const char* line :
       {"Reading package lists...", "(Reading database ... 45%", "Unpacking libc6:amd64 (2.36-9) ...",
        "Setting up tzdata (2025b-0) ...", "Processing triggers for libc-bin (2.36-9) ...",
        "#7 12.34 Setting up tzdata (2025b-0) ...", "+ docker system prune --force"}) {
    EXPECT_EQ(PatienceOf("[2/3] RUN apt-get install -y tzdata", line).factor, 3) << line;
  }
  for (const char* line : {"", "#", "#7", "#7 ", "compiling", "Collecting numpy", "we are Setting up"}) {
    EXPECT_EQ(PatienceOf("[2/3] RUN make", line).factor, 1) << line;
  }
}

std::string_view QuietLine(std::string_view line) {
  std::vector<std::string_view> words;
  while (!line.empty()) {
    const size_t end = std::min(line.find(' '), line.size());
    words.push_back(line.substr(0, end));
    line.remove_prefix(std::min(end + 1, line.size()));
  }
  return QuietCommand(words);
}

TEST(Patience, IsAskedForByCommandsOfTheTree) {
  for (const char* command :
       {"docker pull debian:12", "/usr/bin/docker --debug -H tcp://10.0.0.1:2375 image pull x",
        "podman push x", "docker --context=far load -i x.tar", "nerdctl -n k8s.io save x",
        "docker system prune -af", "python3 /usr/local/bin/docker-compose pull",
        "ctr -n k8s.io i import x.tar", "crane cp a b", "bash -e /opt/docker push x",
        "buildctl --addr tcp://b:1234 prune", "skopeo copy docker://a oci:b"}) {
    EXPECT_NE(QuietLine(command), "") << command;
    EXPECT_EQ(PatienceOf("", "", QuietLine(command)).factor, 3) << command;
  }
  for (const char* command :
       {"", "docker", "docker run pull", "docker build .", "docker run --rm x docker pull y",
        "make docker pull", "bash -c docker", "python3", "sleep 5", "docker ps prune"}) {
    EXPECT_EQ(QuietLine(command), "") << command;
  }
}

TEST(Patience, IsAskedForByWhatMovesImages) {
  for (const char* phase :
       {"extracting", "extracting sha256:532f", "sending tarball", "unpacking to docker.io/library/x:latest",
        "resolving provenance for metadata file", "importing to docker",
        "exporting attestation manifest sha256:1",
        "[linux/amd64] generating sbom using docker.io/docker/buildkit-syft-scanner:stable-1",
        "[2/3] RUN set -e; docker pull x", "Step 2/3 : RUN docker load -i x.tar"}) {
    EXPECT_EQ(PatienceOf(phase, "").factor, 3) << phase;
  }
  for (const char* line :
       {"5c0b1d519321: Pulling fs layer", "5c0b1d519321: Extracting", "The push refers to repository [r/x]",
        "5c0b1d519321: Preparing", "Copying blob sha256:532f", "Getting image source signatures",
        "INFO[0012] Taking snapshot of full filesystem...",
        "INFO[0002] Unpacking rootfs as cmd RUN make requires it", "+ docker load -i image.tar",
        "$ docker pull x", "#7 3.1 5c0b1d519321: Download complete"}) {
    EXPECT_EQ(PatienceOf("", line).factor, 3) << line;
  }
  for (const char* line :
       {"server: Waiting", "5c0b1d519321: Pull complete", "docker pull failed, trying again",
        "INFO[0012] waiting", "job: Extracting", "5c0b1d519321: ", "INFO["}) {
    EXPECT_EQ(PatienceOf("[2/3] RUN make", line).factor, 1) << line;
  }
}

TEST(Patience, KnowsBuildersFromTheirClients) {
  for (const char* command :
       {"buildkitd", "/usr/bin/dockerd", "containerd-shim-runc-v2", "/kaniko/executor", "runc"}) {
    const std::string_view words[] = {command, "--x"};
    EXPECT_TRUE(IsBuilder(words)) << command;
  }
  for (const char* command : {"buildctl", "docker", "docker-buildx", "python3", "bash"}) {
    const std::string_view words[] = {command, "build"};
    EXPECT_FALSE(IsBuilder(words)) << command;
  }
}

TEST(Elsewhere, ARunStepIsIdleOnlyAfterTheSilentLimit) {
  for (const char* phase : {"[2/3] RUN make", "[build 2/3] RUN --mount=type=cache,target=/x make",
                            "Step 2/3 : RUN make", "STEP 2/3: RUN make"}) {
    Input input = Build(minutes(30) - Duration(1));
    input.limits.silent_after = minutes(30);
    input.phase = phase;
    EXPECT_TRUE(Find(Class::Idle, input)) << "the builder is in the tree, or there is no connection";
    input.builder_elsewhere = true;
    EXPECT_FALSE(Find(Class::Idle, input)) << phase;
    input = Build(minutes(30));
    input.limits.silent_after = minutes(30);
    input.phase = phase;
    input.builder_elsewhere = true;
    const auto finding = Find(Class::Idle, input);
    ASSERT_TRUE(finding) << phase;
    EXPECT_THAT(finding->message,
                HasSubstr("the silent limit holds, for the RUN step's builder is elsewhere"));
  }
}

TEST(Elsewhere, WhatIsNoRunStepHasTheIdleLimit) {
  for (const char* phase : {"", "[internal] load build context", "[2/3] COPY x /", "Step 2/3 : COPY x /"}) {
    Input input = Build(minutes(5));
    input.limits.silent_after = minutes(30);
    input.phase = phase;
    input.builder_elsewhere = true;
    EXPECT_TRUE(Find(Class::Idle, input)) << phase;
  }
}

TEST(Elsewhere, ARuleThatIsOffStaysOff) {
  Input input = Build(minutes(55));
  input.phase = "[2/3] RUN make";
  input.builder_elsewhere = true;
  input.limits.silent_after = Duration(0);
  EXPECT_TRUE(Find(Class::Idle, input)) << "by its own limit";
  input.limits.idle_after = Duration(0);
  EXPECT_FALSE(Find(Class::Idle, input));
}

TEST(Deadline, CountsFromTheStartWhateverTheBuildDoes) {
  Input input = Build(Duration::zero());
  input.limits.deadline = minutes(60) + Duration(1);
  EXPECT_FALSE(Find(Class::Deadline, input));
  input.limits.deadline = minutes(60);
  const auto finding = Find(Class::Deadline, input);
  ASSERT_TRUE(finding);
  EXPECT_EQ(finding->hang_class, Class::Deadline);
  EXPECT_THAT(finding->message, HasSubstr("3600 s"));
}

TEST(Deadline, ZeroTurnsItOff) { EXPECT_FALSE(Find(Class::Deadline, Build(Duration::zero()))); }

/// A build of an hour that works and of which two lines are expected; the second was seen `ago`.
Input Expecting(Duration ago) {
  Input input = Build(Duration::zero());
  input.limits.expected = {{"^epoch", minutes(90), minutes(1)}, {"^step", minutes(2), minutes(10)}};
  input.progress.signs = {{false, kStart}, {true, input.now - ago}};
  return input;
}

TEST(Overdue, CountsFromTheLastMatchWhateverElseHappens) {
  EXPECT_FALSE(Find(Class::Overdue, Expecting(minutes(10) - Duration(1))));
  const auto finding = Find(Class::Overdue, Expecting(minutes(10)));
  ASSERT_TRUE(finding);
  EXPECT_EQ(finding->reason, "^step");
  EXPECT_EQ(finding->message,
            "for 600 s no line of the output has matched `^step`; one is expected every 600 s");
}

TEST(Overdue, TheFirstHasATimeOfItsOwn) {
  Input input = Expecting(Duration::zero());
  input.now = kStart + minutes(90);
  input.progress.signs[1].last = input.now;
  const auto finding = Find(Class::Overdue, input);
  ASSERT_TRUE(finding);
  EXPECT_EQ(finding->reason, "^epoch");
  EXPECT_THAT(finding->message, HasSubstr("the first was expected within 5400 s"));
  input.progress.signs[0] = {true, input.now - seconds(59)};
  EXPECT_FALSE(Find(Class::Overdue, input));
  input.progress.signs[0].last -= seconds(1);
  EXPECT_TRUE(Find(Class::Overdue, input)) << "from then on it is to come each minute";
}

TEST(Overdue, TheLineWhoseTimeIsUpFirstIsTheNextLimit) {
  const Input input = Expecting(minutes(3));
  EXPECT_EQ(NextLimit(input), input.now + minutes(5)) << "idle comes before";
  const Input soon = Expecting(minutes(8));
  EXPECT_EQ(NextLimit(soon), soon.now + minutes(2));
}

TEST(Overdue, ItsMessageIsBounded) {
  Input input = Expecting(minutes(10));
  input.limits.expected[1].pattern = std::string(256, 'x');
  const auto finding = Find(Class::Overdue, input);
  ASSERT_TRUE(finding);
  EXPECT_LE(finding->message.size(), 280U);
}

TEST(Judge, TheCheckThatSaysMoreDecides) {
  Input input = DeadBuild(minutes(10));
  input.limits.deadline = minutes(30);
  EXPECT_EQ(Judge(input)->hang_class, Class::Deadlock);
  input.dead_part.clear();
  EXPECT_EQ(Judge(input)->hang_class, Class::Idle);
  Input busy = BusyBuild(minutes(40));
  busy.limits.deadline = minutes(30);
  EXPECT_EQ(Judge(busy)->hang_class, Class::Busy);
  input.limits.idle_after = minutes(20);
  EXPECT_EQ(Judge(input)->hang_class, Class::Deadline);
  input.limits.deadline = minutes(90);
  EXPECT_FALSE(Judge(input));
}

TEST(NextLimit, IsTheMomentAtWhichAVerdictWouldCome) {
  Input input = Build(minutes(2));
  input.limits = {.idle_after = minutes(5)};
  const auto next = NextLimit(input);
  ASSERT_TRUE(next);
  Input then = input;
  then.now = *next - Duration(1);
  EXPECT_FALSE(Judge(then));
  then.now = *next;
  EXPECT_TRUE(Judge(then));
  EXPECT_FALSE(NextLimit(then)) << "it has come";
}

TEST(NextLimit, IsTheEarliestAndKnowsPatience) {
  Input input = Build(Duration::zero());
  input.limits = {.deadline = minutes(61)};
  EXPECT_EQ(NextLimit(input), kStart + minutes(61));
  input.limits.idle_after = seconds(30);
  EXPECT_EQ(NextLimit(input), input.now + seconds(30));
  input.phase = "exporting layers";
  EXPECT_EQ(NextLimit(input), kStart + minutes(61)) << "thrice the limit is later";
  input.limits = {};
  EXPECT_FALSE(NextLimit(input));
}

Finding Found(Class hang_class, const char* message) { return {hang_class, "Reason", message}; }

TEST(JudgeAgain, AHangKeepsItsClass) {
  const Input input = Chatter(minutes(50));
  ASSERT_EQ(Judge(input)->hang_class, Class::Looping);
  for (const Class was : {Class::Idle, Class::Busy}) {
    const auto finding = Judge(input, {Found(was, "for 1800 s"), input.now - minutes(10)});
    ASSERT_TRUE(finding);
    EXPECT_EQ(finding->hang_class, was);
    EXPECT_EQ(finding->message, "for 1800 s");
  }
  for (const Class was : {Class::Deadlock, Class::Deadline}) {
    EXPECT_EQ(Judge(input, {Found(was, ""), input.now - minutes(10)})->hang_class, Class::Looping);
  }
  EXPECT_EQ(Judge(input, {std::nullopt, kStart})->hang_class, Class::Looping);
}

TEST(JudgeAgain, AnIdleOneIsNotOverForALittleCpu) {
  Input input = Build(minutes(6));
  const Verdict idle{Judge(input), input.now};
  ASSERT_TRUE(idle.Hung());
  input.now += seconds(10);
  input.progress.signals[static_cast<size_t>(Signal::Cpu)].last = input.now;
  EXPECT_FALSE(Judge(input));
  ASSERT_TRUE(Judge(input, idle));
  EXPECT_EQ(Judge(input, idle)->hang_class, Class::Idle);
  Input computes = input;
  computes.progress.last_much_cpu = input.now;
  EXPECT_FALSE(Judge(computes, idle));
  for (Signal signal : {Signal::Io, Signal::Network, Signal::Output, Signal::Births}) {
    Input works = input;
    works.progress.signals[static_cast<size_t>(signal)].last = input.now;
    EXPECT_FALSE(Judge(works, idle)) << Key(signal);
  }
}

TEST(Verdict, KeepsItsTimeUntilTheClassChanges) {
  const Verdict fine{std::nullopt, kStart};
  const Verdict idle = Next(fine, Found(Class::Idle, "for 300 s"), kStart + seconds(300));
  EXPECT_TRUE(Changed(fine, idle));
  EXPECT_EQ(idle.since, kStart + seconds(300));

  const Verdict still = Next(idle, Found(Class::Idle, "for 302 s"), kStart + seconds(302));
  EXPECT_FALSE(Changed(idle, still));
  EXPECT_EQ(still.since, kStart + seconds(300));
  EXPECT_EQ(still.finding->message, "for 302 s");

  const Verdict late = Next(still, Found(Class::Deadline, ""), kStart + seconds(400));
  EXPECT_TRUE(Changed(still, late));
  EXPECT_EQ(late.since, kStart + seconds(400));
}

TEST(Verdict, ClearsByItself) {
  const Verdict idle{Found(Class::Idle, ""), kStart};
  const Verdict fine = Next(idle, std::nullopt, kStart + seconds(7));
  EXPECT_TRUE(Changed(idle, fine));
  EXPECT_FALSE(fine.Hung());
  EXPECT_EQ(fine.since, kStart + seconds(7));
  EXPECT_FALSE(Changed(fine, Next(fine, std::nullopt, kStart + seconds(9))));
}

}  // namespace
}  // namespace imagebatch::hang
