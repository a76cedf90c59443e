#include "runner/args.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace imagebatch::runner {
namespace {

using std::chrono::milliseconds;

/// Owns the strings that the parsed options point to.
class CommandLine {
 public:
  explicit CommandLine(std::vector<std::string> words) : words_(std::move(words)) {
    words_.insert(words_.begin(), "imagebatch-runner");
    for (std::string& word : words_) pointers_.push_back(word.data());
    pointers_.push_back(nullptr);
  }
  Arguments Parse() { return ParseArguments(static_cast<int>(words_.size()), pointers_.data()); }

 private:
  std::vector<std::string> words_;
  std::vector<char*> pointers_;
};

TEST(Duration, ReadsTheFourUnits) {
  EXPECT_EQ(ParseDuration("300ms"), milliseconds(300));
  EXPECT_EQ(ParseDuration("5s"), milliseconds(5'000));
  EXPECT_EQ(ParseDuration("5m"), milliseconds(300'000));
  EXPECT_EQ(ParseDuration("1h"), milliseconds(3'600'000));
  EXPECT_EQ(ParseDuration("0"), milliseconds(0));
  EXPECT_EQ(ParseDuration("0s"), milliseconds(0));
}

TEST(Duration, RefusesTheRest) {
  for (const char* text : {"", "5", "s", "-1s", "+1s", "1.5s", "5 s", "5d", "5sec", "99999999999999999999s",
                           "9223372036854775807ms", "1000000h"}) {
    EXPECT_FALSE(ParseDuration(text)) << text;
  }
}

TEST(Arguments, AllOptionsInBothForms) {
  CommandLine line({"--deadlock-after",
                    "8s",
                    "--idle-after",
                    "2s",
                    "--silent-after",
                    "9s",
                    "--deadline=1h",
                    "--on-hang",
                    "fail",
                    "--sample-every=500ms",
                    "--grace",
                    "3s",
                    "--listen",
                    ":9911",
                    "--state",
                    "/s",
                    "--result=/r",
                    "--result-bytes",
                    "3072",
                    "--stdin=inherit",
                    "--",
                    "make",
                    "--state"});
  const Arguments parsed = line.Parse();
  const auto* options = std::get_if<RunOptions>(&parsed);
  ASSERT_NE(options, nullptr);
  EXPECT_EQ(options->limits.deadlock_after, milliseconds(8000));
  EXPECT_EQ(options->limits.idle_after, milliseconds(2000));
  EXPECT_EQ(options->limits.silent_after, milliseconds(9000));
  EXPECT_EQ(options->limits.deadline, milliseconds(3'600'000));
  EXPECT_TRUE(options->end_when_hung);
  EXPECT_EQ(options->sample_every, milliseconds(500));
  EXPECT_EQ(options->grace, milliseconds(3000));
  EXPECT_EQ(options->listen, ":9911");
  EXPECT_EQ(options->state_file, "/s");
  EXPECT_EQ(options->result_file, "/r");
  EXPECT_EQ(options->result_bytes, 3072U);
  EXPECT_TRUE(options->inherit_input);
  EXPECT_STREQ(options->command[0], "make");
  EXPECT_STREQ(options->command[1], "--state");
  EXPECT_EQ(options->command[2], nullptr);
}

TEST(Arguments, Defaults) {
  CommandLine line({"--state", "/s", "--result", "/r", "--", "true"});
  const Arguments parsed = line.Parse();
  const auto* options = std::get_if<RunOptions>(&parsed);
  ASSERT_NE(options, nullptr);
  EXPECT_EQ(options->limits.idle_after, milliseconds(300'000));
  EXPECT_EQ(options->limits.silent_after, milliseconds(1'800'000));
  EXPECT_EQ(options->limits.deadline, milliseconds(0));
  EXPECT_FALSE(options->end_when_hung);
  EXPECT_EQ(options->grace, milliseconds(10'000));
  EXPECT_EQ(options->listen, "");
  EXPECT_EQ(options->result_bytes, 4096U);
  EXPECT_FALSE(options->inherit_input);
}

TEST(Arguments, NoFileIsNeeded) {
  CommandLine line({"--listen", ":9911", "--", "true"});
  const auto parsed = line.Parse();
  const auto* options = std::get_if<RunOptions>(&parsed);
  ASSERT_NE(options, nullptr);
  EXPECT_EQ(options->state_file, "");
  EXPECT_EQ(options->result_file, "");
}

TEST(Arguments, Subcommands) {
  EXPECT_TRUE(std::holds_alternative<HelpWanted>(CommandLine({"--help"}).Parse()));
  EXPECT_TRUE(std::holds_alternative<VersionWanted>(CommandLine({"--version"}).Parse()));
  EXPECT_EQ(std::get<ProbeOptions>(CommandLine({"probe", "--state", "/s"}).Parse()).state_file, "/s");
  EXPECT_EQ(std::get<InstallOptions>(CommandLine({"install", "/t"}).Parse()).target, "/t");
  EXPECT_EQ(std::get<ExplainOptions>(CommandLine({"explain", "log"}).Parse()).file, "log");
}

TEST(Arguments, ExpectedLinesAreKeptInTheirOrder) {
  CommandLine line({"--expect", "10m=^step [0-9]+ = ok$", "--expect=1h,5m=x,y", "--state=/s", "--result=/r",
                    "--", "make"});
  const Arguments parsed = line.Parse();
  const auto* options = std::get_if<RunOptions>(&parsed);
  ASSERT_NE(options, nullptr);
  const auto& expected = options->limits.expected;
  ASSERT_EQ(expected.size(), 2U);
  EXPECT_EQ(expected[0].pattern, "^step [0-9]+ = ok$");
  EXPECT_EQ(expected[0].first, std::chrono::minutes(10));
  EXPECT_EQ(expected[0].within, std::chrono::minutes(10));
  EXPECT_EQ(expected[1].pattern, "x,y");
  EXPECT_EQ(expected[1].first, std::chrono::hours(1));
  EXPECT_EQ(expected[1].within, std::chrono::minutes(5));
  ASSERT_EQ(options->expected.size(), 2U);
  EXPECT_TRUE(options->expected[1].IsIn("a x,y z"));
}

TEST(Arguments, WrongUsageSaysWhatIsWrong) {
  const std::vector<std::pair<std::vector<std::string>, const char*>> cases = {
      {{}, "no arguments"},
      {{"--state", "/s", "--result", "/r"}, "no -- COMMAND"},
      {{"--state", "/s", "--result", "/r", "--"}, "no command after --"},
      {{"--state"}, "--state: no value"},
      {{"--listen=", "--", "true"}, "--listen: no value"},
      {{"--grace"}, "--grace: no value"},
      {{"--grace", "long", "--", "true"}, "--grace: not a duration such as 300ms, 5s, 5m or 1h: long"},
      {{"--idle-after=5"}, "--idle-after: not a duration such as 300ms, 5s, 5m or 1h: 5"},
      {{"--on-hang", "stop"}, "--on-hang: neither flag nor fail: stop"},
      {{"--on-hang"}, "--on-hang: no value"},
      {{"--stdin", "/dev/null"}, "--stdin: neither null nor inherit: /dev/null"},
      {{"--result-bytes", "511"}, "--result-bytes: not a number from 512 to 4096: 511"},
      {{"--result-bytes", "4097"}, "--result-bytes: not a number from 512 to 4096: 4097"},
      {{"--result-bytes", "1k"}, "--result-bytes: not a number from 512 to 4096: 1k"},
      {{"--result-bytes=-1"}, "--result-bytes: not a number from 512 to 4096: -1"},
      {{"--result-bytes"}, "--result-bytes: no value"},
      {{"--sample-every", "1ms", "--state", "/s", "--result", "/r", "--", "true"},
       "--sample-every is under 10ms"},
      {{"--expect", "5s"}, "--expect: not of the form 10m=REGEX or 1h,10m=REGEX: 5s"},
      {{"--expect", "soon=x"}, "--expect: before the = no duration such as 300ms, 5s, 5m or 1h: soon=x"},
      {{"--expect", "1h,=x"}, "--expect: before the = no duration such as 300ms, 5s, 5m or 1h: 1h,=x"},
      {{"--expect", "0=x"}, "--expect: before the = no duration such as 300ms, 5s, 5m or 1h: 0=x"},
      {{"--expect", "5s="}, "--expect: the pattern is empty: 5s="},
      {{"--expect", "5s=a**"}, "--expect: bad repetition operator: ** at `**`: 5s=a**"},
      {{"--expect"}, "--expect: no value"},
      {std::vector<std::string>(17, "--expect=5s=x"), "--expect: more than 16"},
      {{"--dead-after", "5s"}, "unknown option: --dead-after"},
      {{"--statefile", "/s"}, "unknown option: --statefile"},
      {{"make"}, "no -- before the command: make"},
      {{"probe"}, "probe needs --state FILE"},
      {{"probe", "--grace", "1s"}, "unknown option of probe: --grace"},
      {{"install"}, "install needs one FILE"},
      {{"install", ""}, "install needs one FILE"},
      {{"explain"}, "explain needs one FILE"},
  };
  for (const auto& [words, message] : cases) {
    const Arguments parsed = CommandLine(words).Parse();
    const auto* error = std::get_if<UsageError>(&parsed);
    ASSERT_NE(error, nullptr) << message;
    EXPECT_EQ(error->message, message);
  }
}

}  // namespace
}  // namespace imagebatch::runner
