#include "cluster/evidence.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "cluster/names.h"

namespace imagebatch::cluster {
namespace {

using nlohmann::json;

/// A line as the runner writes it.
std::string Line(const json& changes = json::object()) {
  nlohmann::ordered_json line = {{"imagebatch", "evidence"},
                                 {"verdict", "Hung"},
                                 {"class", "Idle"},
                                 {"reason", "NoActivity"},
                                 {"message", "nothing for 300 s"},
                                 {"since", "2026-01-02T03:04:05Z"},
                                 {"evidence", {{"processes", json::array()}}}};
  for (const auto& [key, value] : changes.items()) line[key] = value;
  return line.dump() + "\n";
}

std::string GoesOn() {
  return R"({"imagebatch":"verdict","verdict":"Progressing","class":null,"since":"2026-01-02T03:05:05Z"})"
         "\n";
}

TEST(EvidenceTest, FindsTheVerdictAmongTheOutput) {
  const auto verdict = FindVerdict("#5 [2/3] RUN make\n" + Line() + "#5 1.2 more\n");
  ASSERT_TRUE(verdict);
  EXPECT_EQ(verdict->klass, "Idle");
  EXPECT_EQ(verdict->message, "nothing for 300 s");
  EXPECT_EQ(verdict->since, *ParseTime("2026-01-02T03:04:05Z"));
  const std::string line = Line();
  EXPECT_EQ(verdict->digest, Sha256(line.substr(0, line.size() - 1)));
}

TEST(EvidenceTest, EveryClassOfTheRunnerCounts) {
  for (const char* klass : {"Deadlock", "Idle", "Busy", "Looping", "Deadline"}) {
    const auto verdict = FindVerdict(Line({{"class", klass}}));
    ASSERT_TRUE(verdict) << klass;
    EXPECT_EQ(verdict->klass, klass);
  }
  EXPECT_FALSE(FindVerdict(Line({{"class", "Unobserved"}})));
}

TEST(EvidenceTest, ALastLineWithoutAnEndCounts) {
  const std::string line = Line();
  EXPECT_TRUE(FindVerdict(line.substr(0, line.size() - 1)));
}

TEST(EvidenceTest, TheLastVerdictCounts) {
  EXPECT_EQ(FindVerdict(Line() + Line({{"class", "Deadline"}}))->klass, "Deadline");
  EXPECT_FALSE(FindVerdict(Line() + GoesOn()));
  EXPECT_TRUE(FindVerdict(Line() + GoesOn() + Line()));
}

TEST(EvidenceTest, LinesThatAreNotOfTheRunnersFormChangeNothing) {
  const std::string whole = Line();
  const std::string forged[] = {
      "\n\n",
      " " + Line({{"class", "Deadline"}}),                             // not at the start of a line
      whole.substr(0, whole.size() / 2) + "\n",                        // cut
      "{\"imagebatch\":\"evidence\"}\n",                               // no verdict at all
      "{\"imagebatch\":\"verdict\",\"verdict\":[\"Progressing\"]}\n",  // of another type
      Line({{"verdict", "Fine"}}),
      Line({{"class", "Deadline"}, {"since", "now"}}),
      Line({{"class", "Deadline"}, {"since", nullptr}}),
      Line({{"class",
             "not a class"}}),  // would not be a reason of a condition, or would be a label of its own
      Line({{"class", ""}}),
      Line({{"class", nullptr}}),
      "{\"imagebatch\":\"evidence\xff\"}\n",
      "{\"imagebatch\":" + std::string(30000, '[') + std::string(30000, ']') + "}\n",
  };
  for (const std::string& line : forged) {
    EXPECT_FALSE(FindVerdict(line)) << line;
    const auto verdict = FindVerdict(whole + line);
    ASSERT_TRUE(verdict) << line;
    EXPECT_EQ(verdict->klass, "Idle") << line;
  }
}

TEST(EvidenceTest, HugeLinesAreSkipped) {
  EXPECT_FALSE(FindVerdict(Line({{"evidence", std::string(64 * 1024, 'x')}})));
  EXPECT_TRUE(FindVerdict(Line({{"evidence", std::string(60 * 1024, 'x')}})));
  EXPECT_TRUE(FindVerdict(std::string(1 << 20, '{') + "\n" + Line()));
}

TEST(EvidenceTest, TheMessageIsBoundedAndPrintable) {
  const auto verdict = FindVerdict(Line({{"message", "a\nb\x1b[31m" + std::string(600, 'c')}}));
  EXPECT_EQ(verdict->message.substr(0, 9), "a b?[31mc");
  EXPECT_EQ(verdict->message.size(), 512u);
}

}  // namespace
}  // namespace imagebatch::cluster
