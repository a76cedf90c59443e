// What the command writes, through the real runner.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdlib>

#include "runner/run.h"

namespace imagebatch::runner {
namespace {

using testing::IsEmpty;

/// Runs SCRIPT, in which $RUNNER stands for the runner with its options, in `scratch`; its exit code.
int System(const Scratch& scratch, const std::string& script) {
  const std::string runner = std::string("RUNNER='") + RUNNER_BINARY + " --state state --result result --'; ";
  const std::string line = "cd " + scratch.Path().string() + " && { " + runner + script + "\n}";
  return WEXITSTATUS(std::system(line.c_str()));
}

constexpr const char* kRandomWriter =
    "import hashlib, os\n"
    "digest = hashlib.sha256()\n"
    "for _ in range(200):\n"
    "    block = os.urandom(1_000_000)\n"
    "    digest.update(block)\n"
    "    os.write(1, block[:1]); rest = memoryview(block)[1:]\n"
    "    while rest: rest = rest[os.write(1, rest):]\n"
    "open('written', 'w').write(digest.hexdigest())\n";

TEST(Output, IsTheSameByteForByte) {
  Scratch scratch;
  const std::string script =
      "$RUNNER python3 -c \"" + std::string(kRandomWriter) + "\" | sha256sum | cut -c1-64 > read";
  ASSERT_EQ(System(scratch, script), 0);
  EXPECT_EQ(Content(scratch / "read"), Content(scratch / "written") + "\n");
  EXPECT_EQ(nlohmann::json::parse(Content(scratch / "result"))["outputBytes"], 200'000'000);
}

TEST(Output, OneLineOfAHundredMegabytes) {
  Scratch scratch;
  ASSERT_EQ(System(scratch, "$RUNNER sh -c 'head -c 100000000 /dev/zero | tr \"\\\\0\" x' | wc -c > count"),
            0);
  EXPECT_EQ(Content(scratch / "count"), "100000000\n");
}

TEST(Output, StreamsStayApart) {
  Supervised run({}, Shell("echo out; echo error >&2; echo out again"));
  EXPECT_EQ(run.Wait(), 0);
  EXPECT_EQ(run.Output(), "out\nout again\n");
  EXPECT_EQ(run.Errors(), "error\n");
}

TEST(Output, OneFileKeepsItsOrder) {
  Scratch scratch;
  ASSERT_EQ(System(scratch,
                   "$RUNNER sh -c 'for i in 1 2 3 4 5 6 7 8 9; do echo $i; echo $i >&2; done' > both 2>&1"),
            0);
  std::string expected;
  for (char digit = '1'; digit <= '9'; ++digit) expected += {digit, '\n', digit, '\n'};
  EXPECT_EQ(Content(scratch / "both"), expected);
}

TEST(Output, ComesAtOnce) {
  Supervised run({}, Shell("printf begin; exec sleep 60"));
  EXPECT_TRUE(Await([&] { return run.Output() == "begin"; }));
}

TEST(Output, ThatNobodyReadsHoldsTheCommandBack) {
  Scratch scratch;
  // The reader sleeps first: with a buffer without bounds the writer would have finished by then.
  ASSERT_EQ(System(scratch,
                   "$RUNNER sh -c 'head -c 10000000 /dev/zero; touch finished' | "
                   "{ sleep 0.7; test ! -e finished && touch held; wc -c > count; }"),
            0);
  EXPECT_TRUE(std::filesystem::exists(scratch / "held"));
  EXPECT_EQ(Content(scratch / "count"), "10000000\n");
}

TEST(Output, WhoseReaderHasGoneDoesNotEndTheBuild) {
  Scratch scratch;
  ASSERT_EQ(System(scratch,
                   "$RUNNER sh -c 'head -c 10000000 /dev/zero; echo $? > status; sleep 0.2; touch finished' "
                   "| head -c 5 > part"),
            0);
  ASSERT_TRUE(Await([&] { return nlohmann::json::accept(Content(scratch / "result")); }));
  EXPECT_EQ(Content(scratch / "status"), "0\n");
  EXPECT_TRUE(std::filesystem::exists(scratch / "finished"));
  EXPECT_EQ(nlohmann::json::parse(Content(scratch / "result"))["exitCode"], 0);
  EXPECT_EQ(nlohmann::json::parse(Content(scratch / "result"))["outputBytes"], 10'000'000);
}

TEST(Output, ClosedFromTheStartIsNoObstacle) {
  Scratch scratch;
  EXPECT_EQ(System(scratch, "$RUNNER sh -c 'echo x; echo y >&2; exit 9' <&- >&- 2>&-"), 9);
  EXPECT_EQ(nlohmann::json::parse(Content(scratch / "result"))["outputBytes"], 4);
}

TEST(Output, OnAFullDiskIsNoObstacle) {
  Scratch scratch;
  EXPECT_EQ(System(scratch, "$RUNNER sh -c 'head -c 1000000 /dev/zero; exit 9' > /dev/full"), 9);
}

TEST(Output, OfNothingIsNothing) {
  Supervised run({}, {"true"});
  EXPECT_EQ(run.Wait(), 0);
  EXPECT_THAT(run.Output(), IsEmpty());
  EXPECT_THAT(run.Errors(), IsEmpty());
}

TEST(Output, GivesThePhasesOfABuild) {
  Supervised run({},
                 Shell("printf '#7 [1/2] RUN make\\n#7 0.1 x\\n#7 DONE 0.2s\\n#8 exporting to image\\n' >&2; "
                       "touch told; exec sleep 60"));
  ASSERT_TRUE(Await([&] { return run.State().is_object() && run.State()["phase"] == "exporting to image"; }));
  run.Signal(SIGTERM);
  EXPECT_EQ(run.Wait(), 128 + SIGTERM);
  const nlohmann::json phases = run.Result()["phases"];
  ASSERT_EQ(phases.size(), 2U);
  EXPECT_EQ(phases[0]["name"], "[1/2] RUN make");
}

}  // namespace
}  // namespace imagebatch::runner
