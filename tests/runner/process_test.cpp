// The command's life under the real runner: exit codes, signals, children.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>

#include <fstream>
#include <string>

#include "runner/proc/proc_text.h"
#include "runner/run.h"

namespace imagebatch::runner {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

/// A process id that a script has written to `path`.
pid_t PidIn(const std::filesystem::path& path) {
  Await([&] { return Content(path).ends_with('\n'); });
  return static_cast<pid_t>(std::atoi(Content(path).c_str()));
}

char StateOf(pid_t pid) {
  const auto stat = ParseStat(Content("/proc/" + std::to_string(pid) + "/stat"));
  return stat ? stat->state : '-';
}

TEST(ExitCode, IsTheCommands) {
  for (int code : {0, 1, 2, 42, 124, 255}) {
    Supervised run({}, Shell("exit " + std::to_string(code)));
    EXPECT_EQ(run.Wait(), code);
    EXPECT_EQ(run.Result()["exitCode"], code);
    EXPECT_TRUE(run.Result()["signal"].is_null());
    EXPECT_EQ(run.Result()["verdict"], "Progressing");
  }
}

TEST(ExitCode, IsTheSignalPlus128) {
  Supervised run({}, Shell("kill -SEGV $$"));
  EXPECT_EQ(run.Wait(), 128 + SIGSEGV);
  EXPECT_EQ(run.Result()["exitCode"], 128 + SIGSEGV);
  EXPECT_EQ(run.Result()["signal"], "SIGSEGV");
}

TEST(ExitCode, OfWhatCannotBeRun) {
  Supervised missing({}, {"./no-such-program"});
  EXPECT_EQ(missing.Wait(), 127);
  EXPECT_THAT(missing.Errors(), HasSubstr("./no-such-program: No such file or directory"));
  EXPECT_EQ(missing.Result()["exitCode"], 127);
  Supervised directory({}, {"/"});
  EXPECT_EQ(directory.Wait(), 126);
  EXPECT_THAT(directory.Errors(), HasSubstr("Permission denied"));
}

TEST(ExitCode, OfWrongUsage) {
  Supervised run({"--dead-after", "5s"}, {"true"});
  EXPECT_EQ(run.Wait(), 2);
  EXPECT_THAT(run.Errors(), HasSubstr("unknown option: --dead-after\nimagebatch-runner --help"));
  Supervised unwritable({"--state", "/nowhere/state"}, Shell("echo ran"));
  EXPECT_EQ(unwritable.Wait(), 0) << "the last --state counts";
  Supervised listen({"--listen", "nowhere"}, Shell("echo ran"));
  EXPECT_EQ(listen.Wait(), 2);
  EXPECT_THAT(listen.Output(), IsEmpty());
}

TEST(Command, MayBeAScriptThatNamesNoInterpreterWithVeryManyArguments) {
  Supervised many({}, Shell(std::string("echo 'echo $#' > script; chmod +x script; exec ") + RUNNER_BINARY +
                            " --state inner --result inner-result -- ./script $(seq 50000)"));
  EXPECT_EQ(many.Wait(), 0);
  EXPECT_EQ(many.Output(), "50000\n");
}

TEST(Command, HasNoInput) {
  Supervised run({}, Shell("cat; echo end"));
  EXPECT_EQ(run.Wait(), 0);
  EXPECT_EQ(run.Output(), "end\n");
}

TEST(Command, ReadsWhatTheRunnerWasGivenWhereItIsTold) {
  Supervised inherit({}, Shell(std::string("echo given | ") + RUNNER_BINARY +
                               " --stdin inherit --state inner --result inner-result -- cat"));
  EXPECT_EQ(inherit.Wait(), 0);
  EXPECT_EQ(inherit.Output(), "given\n");
  Supervised null({}, Shell(std::string("echo given | ") + RUNNER_BINARY +
                            " --stdin null --state inner --result inner-result -- cat"));
  EXPECT_EQ(null.Wait(), 0);
  EXPECT_EQ(null.Output(), "");
}

TEST(Command, DoesNotSeeTheMarker) {
  Supervised run({}, Shell("env; cat /proc/$PPID/environ 2>/dev/null; exit 0"),
                 {"IMAGEBATCH_MARKER=hidden-one", "OTHER=visible-one"});
  EXPECT_EQ(run.Wait(), 0);
  EXPECT_THAT(run.Output(), HasSubstr("visible-one"));
  EXPECT_THAT(run.Output(), testing::Not(HasSubstr("hidden-one")));
}

/// The line "NAME:\tMASK" of a process's status, as a number.
uint64_t SignalMask(const std::string& status, const std::string& name) {
  const size_t line = status.find(name);
  return line == std::string::npos ? ~uint64_t{0}
                                   : std::stoull(status.substr(line + name.size()), nullptr, 16);
}

TEST(Command, HasTheSignalsThatTheRunnerWasGiven) {
  Supervised run({}, {"cat", "/proc/self/status"});
  EXPECT_EQ(run.Wait(), 0);
  const std::string own = Content("/proc/self/status");
  EXPECT_EQ(SignalMask(run.Output(), "SigBlk:\t"), SignalMask(own, "SigBlk:\t"));
  // Real-time signals aside: posix_spawn() leaves two that the C library uses itself ignored.
  constexpr uint64_t kStandard = 0x7FFFFFFF;
  EXPECT_EQ(SignalMask(run.Output(), "SigIgn:\t") & kStandard, SignalMask(own, "SigIgn:\t") & kStandard);
}

TEST(Signals, AreForwardedToTheCommandsGroup) {
  for (const auto& [name, number] :
       {std::pair{"TERM", SIGTERM}, std::pair{"INT", SIGINT}, std::pair{"HUP", SIGHUP},
        std::pair{"QUIT", SIGQUIT}, std::pair{"USR1", SIGUSR1}, std::pair{"USR2", SIGUSR2}}) {
    Supervised run({}, Shell(std::string("trap 'echo got; exit 5' ") + name +
                             "; echo ready; while :; do sleep 0.05; done"));
    ASSERT_TRUE(Await([&] { return run.Output() == "ready\n"; })) << name;
    run.Signal(number);
    EXPECT_EQ(run.Wait(), 5) << name;
    EXPECT_EQ(run.Output(), "ready\ngot\n") << name;
  }
}

TEST(Signals, ReachAStoppedCommand) {
  Supervised run({}, Shell("echo $$ > pid; kill -STOP $$; sleep 1000"));
  const pid_t command = PidIn(run.Directory() / "pid");
  ASSERT_TRUE(Await([&] { return StateOf(command) == 'T'; }));
  run.Signal(SIGTERM);
  EXPECT_EQ(run.Wait(), 128 + SIGTERM);
}

TEST(Signals, SigtermHasItsGraceAndThenTheTreeIsKilled) {
  Supervised run({"--grace", "300ms"},
                 Shell("trap '' TERM; setsid sleep 1000 & echo $! > pid; while :; do sleep 0.05; done"));
  const pid_t other = PidIn(run.Directory() / "pid");
  run.Signal(SIGTERM);
  EXPECT_EQ(run.Wait(), 128 + SIGKILL);
  EXPECT_FALSE(Alive(other));
  EXPECT_EQ(run.Result()["signal"], "SIGKILL");
}

TEST(Signals, AfterSigtermTheGraceIsForLeftoversToo) {
  Supervised run({"--grace", "300ms"},
                 Shell("(trap '' TERM; echo ready > pid; while :; do sleep 0.05; done) & trap 'exit 7' TERM; "
                       "while :; do sleep 0.05; done"));
  ASSERT_TRUE(Await([&] { return Content(run.Directory() / "pid") == "ready\n"; }));
  run.Signal(SIGTERM);
  EXPECT_EQ(run.Wait(), 7);
}

TEST(Signals, ThatTheCommandHandlesAreItsOwnMatter) {
  Supervised run({"--grace", "1ms"}, Shell("trap 'echo got' INT QUIT HUP; trap 'exit 5' USR1; echo ready; "
                                           "while :; do sleep 0.05; done"));
  ASSERT_TRUE(Await([&] { return run.Output() == "ready\n"; }));
  std::string expected = "ready\n";
  for (int signal : {SIGINT, SIGQUIT, SIGHUP}) {
    run.Signal(signal);
    expected += "got\n";
    EXPECT_TRUE(Await([&] { return run.Output() == expected; })) << signal;
  }
  run.Signal(SIGUSR1);
  EXPECT_EQ(run.Wait(), 5);
}

/// `command` on a terminal of its own, as its session's leader, under the runner with `options`.
std::vector<std::string> OnTerminal(const std::string& options, const std::string& command) {
  return {"python3", "-c",
          "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(['sh', '-c', sys.argv[1]])))",
          std::string("exec ") + RUNNER_BINARY + " --state inner --result inner-result " + options + " -- " +
              command};
}

TEST(Terminal, OfTheRunnersSessionIsGivenToTheCommand) {
  for (const char* command : {"stty -F /dev/tty raw", "bash -ic 'echo interactive > said'",
                              "sh -c 'stty -F /dev/tty -echo; stty -F /dev/tty sane'"}) {
    Supervised run({}, OnTerminal("", command));
    EXPECT_EQ(run.Wait(), 0) << command << run.Output();
  }
  Supervised foreground({},
                        OnTerminal("", "sh -c 'ps -o tpgid= -p $$ | tr -d \" \" > group; echo $$ > pid'"));
  EXPECT_EQ(foreground.Wait(), 0);
  EXPECT_EQ(Content(foreground.Directory() / "group"), Content(foreground.Directory() / "pid"));
}

TEST(Terminal, OfAShellThatStartedTheRunnerStopsNobody) {
  for (const char* options : {"", "--stdin inherit"}) {
    const std::vector<std::string> line =
        OnTerminal(options, "bash -ic 'stty -F /dev/tty raw; stty raw; exit 4'");
    // Not replaced by it: the shell leads the session.
    Supervised run({},
                   {line[0], line[1], line[2], line[3].substr(std::string("exec ").size()) + "; exit $?"});
    EXPECT_EQ(run.Wait(), 4) << run.Output();
  }
}

TEST(Terminal, CanBeTheInputOfTheCommand) {
  Supervised run({}, OnTerminal("--stdin inherit", "stty raw"));
  EXPECT_EQ(run.Wait(), 0) << run.Output();
}

TEST(KilledRunner, TakesItsTreeAlong) {
  Supervised run(
      {}, Shell("setsid sleep 1000 & echo $! > other; sleep 1000 & echo $! > child; echo $$ > pid; wait"));
  const pid_t command = PidIn(run.Directory() / "pid");
  const pid_t other = PidIn(run.Directory() / "other");
  const pid_t child = PidIn(run.Directory() / "child");
  run.Signal(SIGKILL);
  EXPECT_EQ(run.Wait(), 1000 + SIGKILL);
  for (pid_t pid : {command, other, child}) EXPECT_TRUE(Await([pid] { return !Alive(pid); })) << pid;
}

TEST(KilledRunner, TakesItsTreeAlongWhenItsGuardLives) {
  Supervised run({}, Shell("setsid sleep 1000 & echo $! > other; echo $$ > pid; wait"));
  const pid_t command = PidIn(run.Directory() / "pid");
  const pid_t other = PidIn(run.Directory() / "other");
  ASSERT_EQ(kill(run.RunnerPid(), SIGKILL), 0);
  EXPECT_EQ(run.Wait(), 128 + SIGKILL);
  for (pid_t pid : {command, other}) EXPECT_TRUE(Await([pid] { return !Alive(pid); })) << pid;
  EXPECT_THAT(run.Errors(), HasSubstr("killed by signal 9"));
}

TEST(Children, OrphansAreReaped) {
  Supervised run({}, Shell("for i in 1 2 3 4 5; do (true &) ; done; touch done; exec sleep 60"));
  ASSERT_TRUE(Await([&] { return std::filesystem::exists(run.Directory() / "done"); }));
  // One: the command itself.
  EXPECT_TRUE(Await([&] { return Children(run.RunnerPid()).size() == 1; }));
  EXPECT_TRUE(run.Running());
}

TEST(Children, LeftWithoutOutputAreEndedAtOnce) {
  Supervised run({"--grace", "20s"}, Shell("sleep 1000 >/dev/null 2>&1 & echo $! > pid; exit 3"));
  EXPECT_EQ(run.Wait(), 3);
  EXPECT_FALSE(Alive(PidIn(run.Directory() / "pid")));
}

TEST(Children, ThatHoldTheOutputMayFinish) {
  Supervised run({"--grace", "20s"}, Shell("(sleep 0.5; echo late) & exit 3"));
  EXPECT_EQ(run.Wait(), 3);
  EXPECT_EQ(run.Output(), "late\n");
}

TEST(Children, ThatHoldTheOutputForeverAreEnded) {
  Supervised run({"--grace", "300ms"}, Shell("trap '' TERM; sleep 1000 & echo $! > pid; exit 0"));
  EXPECT_EQ(run.Wait(), 0);
  EXPECT_FALSE(Alive(PidIn(run.Directory() / "pid")));
}

TEST(Children, OfAnotherSessionAreEndedToo) {
  Supervised run({"--grace", "300ms"},
                 Shell("setsid sh -c 'echo $$ > pid; trap \"\" TERM; while :; do sleep 1000; done' & "
                       "until [ -s pid ]; do sleep 0.02; done; exit 0"));
  EXPECT_EQ(run.Wait(), 0);
  EXPECT_FALSE(Alive(PidIn(run.Directory() / "pid")));
}

TEST(Result, CountsTheWholeTree) {
  Supervised run(
      {}, Shell("python3 -c 'b = bytearray(60_000_000)\nfor i in range(2_000_000): pass'; printf 12345"));
  EXPECT_EQ(run.Wait(), 0);
  const json result = run.Result();
  EXPECT_EQ(result["outputBytes"], 5);
  EXPECT_GT(result["peakRssBytes"], 60'000'000);
  EXPECT_GT(result["cpuSeconds"], 0.02);
  EXPECT_LE(result["startedAt"], result["finishedAt"]);
}

TEST(Result, IsWrittenInPlace) {
  // As /dev/termination-log is: a longer old content and the same inode afterwards.
  Scratch scratch;
  const auto path = scratch / "termination-log";
  std::ofstream(path) << std::string(10'000, 'x');
  struct stat before {};
  ASSERT_EQ(stat(path.c_str(), &before), 0);
  Supervised run({}, {RUNNER_BINARY, "--state", scratch / "state", "--result", path, "--", "true"});
  EXPECT_EQ(run.Wait(), 0);
  struct stat after {};
  ASSERT_EQ(stat(path.c_str(), &after), 0);
  EXPECT_EQ(before.st_ino, after.st_ino);
  EXPECT_EQ(json::parse(Content(path))["exitCode"], 0);
}

TEST(Install, CopiesAProgramThatRuns) {
  Scratch scratch;
  const std::string copy = scratch / "copy";
  Supervised install({}, {RUNNER_BINARY, "install", copy});
  ASSERT_EQ(install.Wait(), 0);
  struct stat status {};
  ASSERT_EQ(stat(copy.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777U, 0755U);
  Supervised version({}, {copy, "--version"});
  EXPECT_EQ(version.Wait(), 0);
  EXPECT_THAT(version.Output(), StartsWith("imagebatch-runner "));
  Supervised again({}, {copy, "install", copy});
  EXPECT_EQ(again.Wait(), 0);
  Supervised nowhere({}, {RUNNER_BINARY, "install", "/nowhere/copy"});
  EXPECT_EQ(nowhere.Wait(), 1);
  EXPECT_THAT(nowhere.Errors(), HasSubstr("cannot write /nowhere/copy: No such file or directory"));
}

TEST(Pid1, ReapsForwardsAndEndsWithTheCommand) {
  Supervised run({"--grace", "2s"},
                 {"unshare", "--pid", "--fork", "--mount-proc", RUNNER_BINARY, "--state", "inner", "--result",
                  "inner-result", "--", "sh", "-c",
                  "(sleep 0.1 &); trap 'exit 6' USR1; echo $PPID; while :; do sleep 0.05; done"});
  if (!Await([&] { return !run.Output().empty() || !run.Running(); }) || run.Output().empty()) {
    GTEST_SKIP() << "no right to make a PID namespace: " << run.Errors();
  }
  EXPECT_EQ(run.Output(), "1\n");
  // unshare keeps signals from its child: the command asks for its own.
  const std::vector<pid_t> unshare = Children(run.RunnerPid());
  ASSERT_EQ(unshare.size(), 1U);
  const std::vector<pid_t> inner = Children(unshare[0]);
  ASSERT_EQ(inner.size(), 1U);
  ASSERT_EQ(kill(inner[0], SIGUSR1), 0);
  EXPECT_EQ(run.Wait(), 6);
}

}  // namespace
}  // namespace imagebatch::runner
