// What the evidence says each process waits for, by the real runner over real programs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "runner/run.h"

namespace imagebatch::runner {
namespace {

using nlohmann::json;
using testing::HasSubstr;

std::vector<std::string> Program(const std::string& name) { return {"python3", "-B", AWAITING, name}; }

std::string Joined(const json& sentences) {
  std::string text;
  for (const json& sentence : sentences) text += sentence.get<std::string>() + "\n";
  return text;
}

/// Those that wait for one thing each, which they tell in the first line of their output.
constexpr const char* kKinds[] = {"tcp_data",
                                  "tcp_closed_by_peer",
                                  "tcp_accept",
                                  "unix_data",
                                  "flock",
                                  "record_lock",
                                  "pipe",
                                  "child",
                                  "sleep",
                                  "tty_output",
                                  "tty_input",
                                  "terminal",
                                  "stopped",
                                  "mutex",
                                  "mutex_of_ended_thread"};

/// All at once, for each takes its time.
TEST(Awaited, IsNamedInTheEvidenceAndInTheMessage) {
  std::vector<std::unique_ptr<Supervised>> runs;
  for (const char* kind : kKinds) {
    runs.push_back(
        std::make_unique<Supervised>(std::vector<std::string>{"--deadlock-after", "0", "--idle-after", "4s",
                                                              "--sample-every", "100ms", "--grace", "300ms"},
                                     Program(kind)));
  }
  for (size_t index = 0; index < runs.size(); ++index) {
    SCOPED_TRACE(kKinds[index]);
    Supervised& run = *runs[index];
    ASSERT_TRUE(Await([&] { return run.Hung() || !run.Running(); })) << run.Output() << run.Errors();
    const json state = run.State();
    ASSERT_EQ(state["class"], "Idle") << run.Output() << run.Errors();
    const std::string told = run.Output();
    const std::string waits = Joined(state["evidence"]["waits"]);
    EXPECT_THAT(waits, HasSubstr(told.substr(0, told.find('\n'))));
    EXPECT_THAT(waits, HasSubstr(", for at least "));
    const auto message = state["message"].get<std::string>();
    EXPECT_LE(message.size(), 280U) << message;
    EXPECT_THAT(message, HasSubstr("; for ")) << waits;
    EXPECT_THAT(message, HasSubstr("nothing to speak of in the whole process tree"));
  }
}

const std::vector<std::string> kSilent = {"--deadlock-after", "0",     "--silent-after", "2s",
                                          "--sample-every",   "100ms", "--grace",        "300ms"};

TEST(Awaited, IsLedByWhoRunsWhereTheBuildIsBusy) {
  Supervised run(kSilent, Program("spin_beside_a_waiter"));
  ASSERT_TRUE(Await([&] { return run.Hung() || !run.Running(); })) << run.Output() << run.Errors();
  const json state = run.State();
  ASSERT_EQ(state["class"], "Busy");
  EXPECT_THAT(state["message"].get<std::string>(), HasSubstr("(python3 -B awaiting.py ...) runs"));
}

TEST(RepeatedLine, IsCountedWithoutItsEscapes) {
  Supervised run(kSilent, Program("three_lines"));
  ASSERT_TRUE(Await([&] { return run.Hung() || !run.Running(); })) << run.Errors();
  const json state = run.State();
  ASSERT_EQ(state["class"], "Looping");
  EXPECT_THAT(state["message"].get<std::string>(), HasSubstr(", in a cycle of 3 lines; for "));
  const std::string repeats = Joined(state["evidence"]["repeats"]);
  EXPECT_THAT(repeats, HasSubstr("the line \"waiting for lock /var/lib/apt\" came "));
  EXPECT_THAT(repeats, HasSubstr("the line \"no answer\" came "));
  EXPECT_THAT(repeats, HasSubstr(" UTC"));
}

TEST(RepeatedLine, IsOneThoughANameInItIsDrawnAtRandom) {
  Supervised run(kSilent, Program("random_lines"));
  ASSERT_TRUE(Await([&] { return run.Hung() || !run.Running(); })) << run.Errors();
  const json state = run.State();
  ASSERT_EQ(state["class"], "Looping");
  ASSERT_EQ(state["evidence"]["repeats"].size(), 1U) << state["evidence"]["repeats"];
  EXPECT_THAT(state["message"].get<std::string>(), HasSubstr("the line \"cannot write /var/tmp/"));
}

}  // namespace
}  // namespace imagebatch::runner
