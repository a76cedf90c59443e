#include "runner/report/alike.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "base/text.h"
#include "contract/contract.h"
#include "hang/checks.h"
#include "runner/report/hang_name.h"

namespace imagebatch::runner {
namespace {

using hang::Class;

ProcessEvidence Process(pid_t pid, pid_t parent, const std::string& command,
                        const std::string& call = "wait4") {
  ProcessEvidence process;
  process.pid = pid;
  process.parent = parent;
  process.state = 'S';
  process.threads = 1;
  process.age_seconds = 500;
  process.system_call = call;
  process.command = command;
  return process;
}

hang::Finding Of(Class hang_class, const std::string& reason = "R") { return {hang_class, reason, "words"}; }

Alike Idle(const Evidence& evidence, const std::string& phase = "") {
  return AlikeOf(evidence, Of(Class::Idle), phase);
}

MATCHER_P(IsLike, other, "") { return arg.fingerprint == other.fingerprint && arg.summary == other.summary; }

constexpr const char* kEmit =
    "logging/__init__.py Handler.acquire|fork_pool.py Handler.emit||with self.buffer_lock";

/// The original bug: workers that wait alike for a lock that was copied through fork.
Evidence ForkPool(pid_t first, size_t workers, const std::string& directory, int line = 34) {
  Evidence evidence;
  evidence.lasted_seconds = 30;
  evidence.processes = {Process(first, 1, "/usr/bin/python3.11 " + directory + "/fork_pool.py")};
  evidence.processes[0].waits_for = {hang::WaitFor::Children};
  StackGroup parent{.pids = {first}, .python = "3.11.2", .threads = {}};
  parent.threads = {{"main", "x", "", "threading.py Thread.join|fork_pool.py main||pool.join()"}};
  StackGroup group{.pids = {}, .python = "3.11.2", .threads = {}};
  group.threads = {{"main", directory + "/fork_pool.py:" + std::to_string(line) + " Handler.emit",
                    "an RLock copied, locked, through fork: no thread of this process holds it; its original "
                    "is held by thread " +
                        std::to_string(first + 1) + " of its parent " + std::to_string(first),
                    kEmit}};
  for (size_t worker = 0; worker < workers; ++worker) {
    const pid_t pid = first + 2 + static_cast<pid_t>(worker);
    evidence.processes.push_back(Process(pid, first, evidence.processes[0].command, "futex"));
    evidence.processes.back().waits_for = {hang::WaitFor::OwnLock};
    group.pids.push_back(pid);
  }
  evidence.stacks.groups = {parent, group};
  return evidence;
}

TEST(Alike, RowsOfOneBug) {
  const hang::Finding finding = Of(Class::Deadlock);
  const Alike one = AlikeOf(ForkPool(7, 4, "/src/django__django-17087"), finding, "");
  EXPECT_THAT(AlikeOf(ForkPool(3007, 9, "/srv/sympy__sympy-13480/x", 51), finding, "[2/5] RUN x"),
              IsLike(one));
  Evidence turned = ForkPool(90, 2, "/a");
  std::reverse(turned.processes.begin(), turned.processes.end());
  std::reverse(turned.stacks.groups.begin(), turned.stacks.groups.end());
  for (ProcessEvidence& process : turned.processes) process.cpu_seconds = 12;
  EXPECT_THAT(AlikeOf(turned, finding, ""), IsLike(one));
  EXPECT_EQ(one.fingerprint.size(), contract::kFingerprintBytes);
  EXPECT_EQ(one.summary,
            "fork_pool.py waits at `with self.buffer_lock` in Handler.emit for an RLock copied, locked, "
            "through fork");
}

TEST(Alike, AWorkerWhoseStackCouldNotBeReadIsLikeTheOthers) {
  Evidence evidence = ForkPool(7, 4, "/work");
  const Alike one = AlikeOf(evidence, Of(Class::Deadlock), "");
  evidence.stacks.groups[1].pids.pop_back();
  EXPECT_THAT(AlikeOf(evidence, Of(Class::Deadlock), ""), IsLike(one));
}

TEST(Alike, AnotherPlaceLockProgramOrClassIsAnotherHang) {
  const Evidence evidence = ForkPool(7, 4, "/work");
  const Alike one = AlikeOf(evidence, Of(Class::Deadlock), "");
  const auto other = [&](auto change) {
    Evidence changed = evidence;
    change(changed);
    const Alike alike = AlikeOf(changed, Of(Class::Deadlock), "");
    return alike.fingerprint != one.fingerprint;
  };
  EXPECT_TRUE(
      other([](Evidence& of) { of.stacks.groups[1].threads[0].waits = "an RLock held by thread 9"; }));
  EXPECT_TRUE(other([](Evidence& of) {
    of.stacks.groups[1].threads[0].place =
        "logging/__init__.py Handler.acquire|fork_pool.py Handler.flush||x";
  }));
  EXPECT_TRUE(other([](Evidence& of) {
    of.stacks.groups[1].threads[0].place =
        "logging/__init__.py Handler.acquire|fork_pool.py Handler.emit||with self.other_lock";
  }));
  EXPECT_TRUE(other([](Evidence& of) {
    for (ProcessEvidence& process : of.processes) process.command = "python3 /src/build.py";
  }));
  EXPECT_NE(Idle(evidence).fingerprint, one.fingerprint);
}

TEST(Alike, OfADeadlockOnlyTheDeadPartAndThoseAboveItCount) {
  Evidence evidence;
  evidence.processes = {Process(2, 1, "sh /x/needed.sh server"), Process(3, 2, "/x/dead lock_order", "futex"),
                        Process(4, 2, "sleep 1000", "clock_nanosleep")};
  evidence.processes[1].waits_for = {hang::WaitFor::OwnLock};
  const Alike one = AlikeOf(evidence, Of(Class::Deadlock), "");
  EXPECT_EQ(one.summary, "dead lock_order waits for a lock, below needed.sh server");
  evidence.processes.pop_back();
  EXPECT_THAT(AlikeOf(evidence, Of(Class::Deadlock), ""), IsLike(one));
  evidence.processes[1].waits_for = {hang::WaitFor::FileLock};
  EXPECT_NE(AlikeOf(evidence, Of(Class::Deadlock), "").fingerprint, one.fingerprint);
  evidence.processes[1].waits_for = {hang::WaitFor::OwnLock};
  evidence.processes[0].command = "bash /x/needed.sh trap";
  EXPECT_NE(AlikeOf(evidence, Of(Class::Deadlock), "").fingerprint, one.fingerprint);
}

TEST(Alike, OfALivingProcessAboveADeadOneItsModeCounts) {
  const auto hang = [](const std::string& command) {
    Evidence evidence;
    evidence.processes = {Process(2, 1, command), Process(3, 2, command, "futex")};
    evidence.processes[1].waits_for = {hang::WaitFor::OwnLock};
    evidence.stacks.groups = {{.pids = {3},
                               .python = "3.9",
                               .threads = {{"main", "x", "", "threading.py Event.wait|dead.py forever||x"}}}};
    return AlikeOf(evidence, Of(Class::Deadlock), "");
  };
  const Alike one = hang("python3 /x/dead.py below_sigwait");
  EXPECT_EQ(one.summary, "dead.py waits at `x` in forever, below dead.py below_sigwait");
  EXPECT_NE(hang("python3 /x/dead.py below_two_pipes").fingerprint, one.fingerprint);
}

TEST(Alike, HelpersThatComeAndGoAreNoPartOfIt) {
  Evidence evidence;
  evidence.lasted_seconds = 300;
  evidence.processes = {Process(2, 1, "sh /x/poll.sh"), Process(88, 2, "curl http://127.0.0.1/", "poll")};
  evidence.processes[1].age_seconds = 0.3;
  const Alike one = Idle(evidence);
  evidence.processes[1] = Process(91, 2, "sleep 1", "clock_nanosleep");
  evidence.processes[1].age_seconds = 0.9;
  EXPECT_THAT(Idle(evidence), IsLike(one));
  EXPECT_EQ(one.summary, "poll.sh waits for a child");
  evidence.processes[0].system_call = "vfork";
  evidence.processes[0].state = 'D';
  EXPECT_THAT(Idle(evidence), IsLike(one)) << "it starts the next one";
  evidence.processes.push_back(evidence.processes[1]);
  evidence.processes.back().state = 'Z';
  evidence.processes.back().age_seconds = 600;
  EXPECT_THAT(Idle(evidence), IsLike(one)) << "a zombie";
}

TEST(Alike, WhatSleepWaitsForExplainsNothing) {
  Evidence evidence;
  evidence.processes = {Process(2, 1, "python3 /w/build.py x"),
                        Process(3, 2, "/bin/sh /usr/bin/docker image prune"),
                        Process(4, 3, "sleep 1000", "clock_nanosleep")};
  EXPECT_EQ(Idle(evidence).summary, "docker image waits for a child, below build.py");
  evidence.stacks.groups = {
      {.pids = {2},
       .python = "3.9",
       .threads = {{"main", "x", "", "subprocess.py Popen.wait|build.py run||wait()"}}}};
  EXPECT_EQ(Idle(evidence).summary, "docker image waits for a child, below build.py run");
}

TEST(Alike, WhereThreadsRunOrTickIsLeftAside) {
  Evidence evidence;
  evidence.processes = {Process(2, 1, "/x/busy spin", "running")};
  const Alike busy = AlikeOf(evidence, Of(Class::Busy), "");
  EXPECT_EQ(busy.summary, "busy spin uses CPU and nothing comes of it");
  evidence.processes[0].system_call = "futex";
  EXPECT_THAT(AlikeOf(evidence, Of(Class::Busy), ""), IsLike(busy));

  evidence.processes[0] = Process(2, 1, "/x/runtime blocked", "futex");
  evidence.processes[0].threads = 5;
  const Alike idle = Idle(evidence);
  EXPECT_EQ(idle.summary, "runtime blocked does nothing");
  evidence.processes[0].system_call = "epoll_pwait";
  EXPECT_THAT(Idle(evidence), IsLike(idle));
}

TEST(Alike, PythonsFunctionsStandForItsArguments) {
  const auto hang = [](const std::string& command, const std::string& place) {
    Evidence evidence;
    evidence.processes = {Process(2, 1, command, "recvfrom")};
    evidence.stacks.groups = {{.pids = {2}, .python = "3.11.2", .threads = {{"main", "x", "", place}}}};
    return Idle(evidence);
  };
  const Alike one =
      hang("python3 /w/build.py flask", "ssl.py SSLSocket.read|build.py fetch|build.py main|get(url)");
  EXPECT_EQ(one.summary, "build.py waits at `get(url)` in fetch");
  EXPECT_THAT(hang("python3 build.py seaborn", "ssl.py SSLSocket.read|build.py fetch|build.py main|get(url)"),
              IsLike(one));
  EXPECT_NE(hang("python3 build.py flask", "ssl.py SSLSocket.read|build.py fetch|build.py push|get(url)")
                .fingerprint,
            one.fingerprint);
}

TEST(Alike, TheStepThatIsOpenTellsClientsApart) {
  Evidence evidence;
  evidence.processes = {Process(2, 1, "buildctl --addr unix:///x build --local context=/src/a", "futex")};
  const Alike one = Idle(evidence, "[2/3] RUN pip install flask");
  EXPECT_THAT(Idle(evidence, "[7/9] RUN pip install requests==2.1"), IsLike(one));
  EXPECT_NE(Idle(evidence, "[2/3] COPY . /src").fingerprint, one.fingerprint);
  EXPECT_EQ(one.summary, "buildctl build waits for a lock, in step RUN pip install");
  EXPECT_EQ(Idle(evidence, "[2/3] RUN login --password hunter").summary,
            "buildctl build waits for a lock, in step RUN login");
}

Alike Loop(const std::vector<std::string>& lines, const std::string& command = "python3 /w/build.py flask") {
  Evidence evidence;
  evidence.processes = {Process(2, 1, command, "clock_nanosleep")};
  evidence.repeated = lines;
  return AlikeOf(evidence, Of(Class::Looping, "NothingNew"), "");
}

TEST(Alike, ALoopIsTheSameWhereverItIsLookedAt) {
  const std::vector<std::string> turn = {"#9 13.5 E: Unable to fetch some archives",
                                         "E: Failed to fetch http://a/x"};
  std::vector<std::string> lines;
  for (int count = 0; count < 9; ++count) lines.push_back(turn[static_cast<size_t>(count) % 2]);
  const Alike one = Loop(lines);
  lines.erase(lines.begin());
  lines.push_back("#9 99.1 E: Failed to fetch http://b/y");
  EXPECT_NE(Loop(lines).fingerprint, one.fingerprint) << "another line";
  lines.back() = "#7 99.1 E: Unable to fetch some archives";
  EXPECT_THAT(Loop(lines, "python3.12 /srv/other/build.py seaborn"), IsLike(one));
  EXPECT_EQ(one.summary, "build.py says again and again: * E Unable to fetch some archives");
}

TEST(Alike, WhatIsDrawnAtRandomOrCountedIsNoPartOfTheLine) {
  std::mt19937 random(7);
  const auto drawn = [&random] {
    std::string text(10, 'A');
    for (char& letter : text) letter = static_cast<char>('A' + random() % 26);
    return text;
  };
  const auto lines = [&](int count) {
    std::vector<std::string> made;
    for (int line = 0; line < count; ++line) {
      made.push_back("2026-01-02T03:04:" + std::to_string(10 + line) + "Z cannot write /var/tmp/" + drawn() +
                     " for " + drawn() + ", attempt " + std::to_string(line) + ", " + std::to_string(line) +
                     "s");
    }
    return made;
  };
  const Alike one = Loop(lines(5));
  EXPECT_THAT(Loop(lines(40)), IsLike(one));
  EXPECT_EQ(one.summary, "build.py says again and again: * cannot write * for * attempt *");
}

TEST(Alike, APatternThatIsOverdueIsPartOfIt) {
  Evidence evidence;
  evidence.processes = {Process(2, 1, "python3 train.py")};
  const Alike one = AlikeOf(evidence, Of(Class::Overdue, "^step [0-9]+"), "");
  EXPECT_EQ(one.summary, "train.py prints no line that matches ^step [0-9]+");
  EXPECT_NE(AlikeOf(evidence, Of(Class::Overdue, "^epoch"), "").fingerprint, one.fingerprint);
}

TEST(Alike, OfTextThatIsMadeToHarm) {
  std::mt19937 random(3);
  for (int round = 0; round < 40; ++round) {
    const auto bytes = [&random](size_t size) {
      std::string text(size, '\0');
      for (char& byte : text) byte = static_cast<char>(random() & 0xFF);
      return text;
    };
    Evidence evidence;
    for (int index = 0; index < 70; ++index) {
      evidence.processes.push_back(Process(index + 2, 1, bytes(512), bytes(20)));
      evidence.processes.back().waits_for = {hang::WaitFor::OwnLock};
      evidence.stacks.groups.push_back(
          {.pids = {index + 2}, .python = "3", .threads = {{"main", bytes(9), bytes(400), bytes(320)}}});
      evidence.repeated.push_back(bytes(201));
    }
    evidence.processes[0].command = std::string(1 << 20, round % 2 == 0 ? 'a' : '\x1b');
    for (const Class hang_class : hang::kAllClasses) {
      const Alike alike = AlikeOf(evidence, Of(hang_class, bytes(200)), bytes(300));
      EXPECT_EQ(alike.fingerprint.size(), contract::kFingerprintBytes);
      EXPECT_EQ(alike.fingerprint.find_first_not_of("0123456789abcdef"), std::string::npos);
      EXPECT_LE(alike.summary.size(), contract::kSummaryBytes);
      EXPECT_EQ(alike.summary, Printable(alike.summary, contract::kSummaryBytes));
      EXPECT_EQ(alike.summary.find_first_of("\"\\"), std::string::npos);
    }
  }
  EXPECT_FALSE(AlikeOf({}, Of(Class::Idle), "").summary.empty()) << "nothing was to be seen";
}

TEST(NameHang, TakesTheLinesSinceTheLastNewsAndLeavesWhatIsShown) {
  const hang::TimePoint start{std::chrono::seconds(100)};
  LineTail tail;
  tail.Add(0, "Compiling anyhow\nCompiling serde\n", start);
  for (int beat = 1; beat <= 5; ++beat)
    tail.Add(0, "still waiting\n", start + std::chrono::seconds(60 * beat));
  hang::Input input{};
  input.now = start + std::chrono::seconds(400);
  input.progress.last_news = input.progress.last_work = start + std::chrono::seconds(30);
  Evidence evidence;
  for (int pid = 2; pid < 102; ++pid) evidence.processes.push_back(Process(pid, 1, "make"));
  evidence.processes.back().age_seconds = 100;
  NameHang(evidence, input, Of(Class::Looping), tail);
  EXPECT_EQ(evidence.summary, "make says again and again: still waiting");
  EXPECT_EQ(evidence.processes.size(), kMostProcesses);
  EXPECT_EQ(evidence.processes.back().pid, 101);
  EXPECT_EQ(evidence.more_processes, 36U);
}

}  // namespace
}  // namespace imagebatch::runner
