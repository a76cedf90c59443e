// The proof of deadlocks by the real runner over real programs: those that wait for themselves, and those
// that merely wait.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <memory>

#include "runner/run.h"

namespace imagebatch::runner {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::IsEmpty;

const std::vector<std::string> kProve = {"--deadlock-after", "1s",   "--idle-after", "0",
                                         "--sample-every",   "50ms", "--grace",      "300ms"};

/// A program of the corpus; a hung one makes the file "stuck" before it hangs.
std::vector<std::string> Corpus(const char* file, const std::string& name, const std::string& argument = "") {
  std::vector<std::string> command = {"env", "STUCK=stuck", "python3", "-B", std::string(PROGRAMS "/") + file,
                                      name};
  if (!argument.empty()) command.push_back(argument);
  return command;
}

/// For how long the build has said nothing; 0 where no sample has been taken yet.
double OutputQuiet(const json& state) {
  return state.is_object() ? state["evidence"]["quietSeconds"].value("output", 0.0) : 0;
}

struct DeadProgram {
  const char* name;      // in dead.py
  const char* evidence;  // a part of one of the sentences
};

void PrintTo(const DeadProgram& program, std::ostream* out) { *out << program.name; }

class Sentences : public testing::TestWithParam<DeadProgram> {};

TEST_P(Sentences, SayWhatEachWaitsFor) {
  Supervised run(kProve, Corpus("dead.py", GetParam().name));
  ASSERT_TRUE(Await([&] { return run.Hung() || !run.Running(); })) << run.Output() << run.Errors();
  const json state = run.State();
  EXPECT_EQ(state["class"], "Deadlock");
  EXPECT_EQ(state["reason"], "WaitCycle");
  EXPECT_LE(state["message"].get<std::string>().size(), 250U);
  std::string sentences;
  for (const json& sentence : state["evidence"]["deadlock"]) sentences += sentence.get<std::string>() + "\n";
  EXPECT_THAT(sentences, HasSubstr(GetParam().evidence));
}

INSTANTIATE_TEST_SUITE_P(
    Deadlock, Sentences,
    testing::Values(DeadProgram{"mutual_join", "threads wait for a lock (futex) of its own process"},
                    DeadProgram{"own_queue", "its only thread waits for a lock (futex)"},
                    DeadProgram{"queue_nobody_fills", "in memory shared by pids "},
                    DeadProgram{"own_pipe", "waits for data from pipe ["},
                    DeadProgram{"poll_of_own_pipe", "its only thread waits for the other end of pipe ["},
                    DeadProgram{"select_of_own_pipe", "its only thread waits for the other end of pipe ["},
                    DeadProgram{"epoll_of_own_pipe", "its only thread waits for the other end of pipe ["},
                    DeadProgram{"full_pipes", "waits for room in pipe ["},
                    DeadProgram{"record_lock_of_dead_child", "/one, held by pid "},
                    DeadProgram{"own_file_lock", "/one, held by this process alone"},
                    DeadProgram{"child_that_is_meant", "waits for the end of a child, pid "},
                    DeadProgram{"below_own_handler", "waits for the end of a child, pid "},
                    DeadProgram{"below_ticking_select", "its only thread waits for a lock (futex)"},
                    DeadProgram{"below_sigwait", "its only thread waits for a lock (futex)"},
                    DeadProgram{"below_select_of_two_pipes", "its only thread waits for a lock (futex)"}),
    [](const auto& instance) { return std::string(instance.param.name); });

/// In all of these, programs of endless.py, something outside, or time, could end the wait; or what is dead
/// is not needed, or something will end it.
constexpr const char* kMerelyWaiting[] = {
    "sleep",
    "lock_with_a_time_limit",
    "one_thread_sleeps",
    "read_of_a_socket",
    "read_of_a_fifo",
    "read_of_a_terminal",
    "read_of_an_eventfd",
    "read_of_a_signalfd",
    "epoll_of_a_socket",
    "poll_of_a_pipe_and_a_socket",
    "poll_of_nothing",
    "pause",
    "alarm",
    "handler_that_a_sleeper_may_call",
    "helper_that_will_be_told_to_end",
    "told_when_its_child_ends",
    "parent_of_a_stopped_child",
    "busy_beside_a_dead_child",
    "dead_beside_a_child_whose_pipe_is_polled_too",
    "dead_below_a_timerfd",
};

/// All at once, for each is to be watched for a while.
TEST(MereWaiting, IsNeverProved) {
  struct Run {
    const char* program;
    std::unique_ptr<Supervised> supervised;
  };
  std::vector<Run> runs;
  for (const char* program : kMerelyWaiting) {
    runs.push_back({program, std::make_unique<Supervised>(kProve, Corpus("endless.py", program))});
  }
  for (Run& run : runs) {
    SCOPED_TRACE(run.program);
    Supervised& supervised = *run.supervised;
    ASSERT_TRUE(Await([&] { return supervised.Output().starts_with("ready\n"); })) << supervised.Errors();
    // The busy one is never quiet: all that it can be asked for is to be watched.
    const auto observed = [&] { return OutputQuiet(supervised.State()) >= 3.0; };
    EXPECT_TRUE(Await([&] { return observed() || !supervised.Running(); }));
    EXPECT_TRUE(supervised.Running());
    EXPECT_THAT(OwnLines(supervised.Errors()), IsEmpty()) << supervised.Errors();
  }
}

/// A pipe whose other end the runner was given, as `make -j` gives its own to what it starts.
TEST(MereWaiting, ForAPipeFromOutsideIsNeverProved) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);  // both are inherited by the runner, and by its command
  Supervised run(kProve, Corpus("endless.py", "read_of_an_inherited_pipe", std::to_string(ends[0])));
  EXPECT_TRUE(Await([&] { return OutputQuiet(run.State()) >= 3.0 && run.Output() == "ready\n"; }));
  EXPECT_THAT(OwnLines(run.Errors()), IsEmpty());
  close(ends[0]);
  close(ends[1]);
}

/// The command waits for the runner, and the runner for whoever reads its output.
TEST(MereWaiting, ForTheReaderOfTheOutputIsNeverProved) {
  // The reader waits for three times the longest threshold before it begins.
  Supervised run(
      {"--deadlock-after", "0", "--idle-after", "0"},
      Shell(std::string(RUNNER_BINARY) +
            " --deadlock-after 1s --idle-after 2s --silent-after 2s --sample-every 50ms --state inner "
            "--result result -- head -c 10000000 /dev/zero | { sleep 6; wc -c; }"));
  EXPECT_EQ(run.Wait(), 0);
  EXPECT_EQ(run.Output(), "10000000\n");
  EXPECT_THAT(OwnLines(run.Errors()), IsEmpty()) << run.Errors();
  EXPECT_EQ(json::parse(Content(run.Directory() / "result"))["verdictCounts"], json::object());
}

TEST(Deadlock, ClearsWhenTheDeadPartIsGone) {
  Supervised run(kProve, Corpus("endless.py", "dead_child_that_is_killed"));
  ASSERT_TRUE(Await([&] { return run.Hung(); })) << run.Errors();
  kill(std::atoi(Content(run.Directory() / "pid").c_str()), SIGKILL);
  EXPECT_TRUE(Await([&] { return !run.Hung(); }));
  EXPECT_TRUE(run.Running());
}

TEST(Deadlock, LeftoversAreToldInTheEvidenceOfWhatWasFound) {
  Supervised run({"--deadlock-after", "1s", "--idle-after", "3s", "--sample-every", "50ms"},
                 Corpus("endless.py", "leftovers_of_a_step"));
  ASSERT_TRUE(Await([&] { return run.Hung(); })) << run.Errors();
  const json state = run.State();
  EXPECT_EQ(state["class"], "Idle");
  EXPECT_FALSE(state["evidence"].contains("deadlock"));
  EXPECT_THAT(state["evidence"]["notNeeded"].get<std::string>(),
              testing::MatchesRegex(
                  "2 leftover processes are dead: pid [0-9]+ waits for a lock only it could release"));
}

TEST(Deadlock, ZeroTurnsItOff) {
  Supervised run({"--deadlock-after", "0", "--idle-after", "2s", "--sample-every", "50ms"},
                 Corpus("dead.py", "own_queue"));
  ASSERT_TRUE(Await([&] { return run.Hung(); }));
  EXPECT_EQ(run.State()["class"], "Idle");
}

TEST(Deadlock, WaitsForABusySiblingToRest) {
  Supervised run(kProve, Corpus("endless.py", "dead_once_it_rests"));
  ASSERT_TRUE(Await([&] { return run.Hung(); }));
  EXPECT_TRUE(std::filesystem::exists(run.Directory() / "rests"));
  EXPECT_EQ(run.State()["class"], "Deadlock");
}

/// Nothing of another user's process can be read without a right that containers do not give.
TEST(Deadlock, IsNotProvedWhereTheKernelDoesNotLetUsLook) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can become another user";
  const auto runner = [](const char* rights) {
    return std::vector<std::string>{"setpriv",
                                    "--bounding-set",
                                    rights,
                                    RUNNER_BINARY,
                                    "--deadlock-after",
                                    "1s",
                                    "--idle-after",
                                    "3s",
                                    "--sample-every",
                                    "50ms",
                                    "--state",
                                    "inner",
                                    "--result",
                                    "result",
                                    "--",
                                    "setpriv",
                                    "--reuid",
                                    "65534",
                                    "--regid",
                                    "65534",
                                    "--clear-groups",
                                    "perl",
                                    "-e",
                                    "pipe(R, W); sysread(R, $x, 1)"};
  };
  const auto found = [](const Supervised& run) {
    std::string hang_class;
    EXPECT_TRUE(Await([&] {
      const json state = json::parse(Content(run.Directory() / "inner"), nullptr, false);
      if (state.is_object() && state["class"].is_string()) hang_class = state["class"];
      return !hang_class.empty();
    })) << run.Errors();
    return hang_class;
  };
  Supervised may({"--grace", "300ms"}, runner("+all"));
  EXPECT_EQ(found(may), "Deadlock");
  Supervised may_not({"--grace", "300ms"}, runner("-sys_ptrace"));
  EXPECT_EQ(found(may_not), "Idle");
}

}  // namespace
}  // namespace imagebatch::runner
