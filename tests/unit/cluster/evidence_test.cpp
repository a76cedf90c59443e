#include "cluster/objects/evidence.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace imagebatch::cluster {
namespace {

using nlohmann::json;

constexpr const char* kMarker = "0123456789abcdef";

/// A line as the runner writes it.
std::string Line(const json& changes = json::object()) {
  nlohmann::ordered_json line = {{"imagebatch", "evidence"},
                                 {"marker", kMarker},
                                 {"verdict", "Hung"},
                                 {"class", "Idle"},
                                 {"reason", "NoActivity"},
                                 {"message", "nothing for 300 s"},
                                 {"since", "2026-01-02T03:04:05Z"},
                                 {"evidence", {{"processes", json::array()}}}};
  for (const auto& [key, value] : changes.items()) line[key] = value;
  return line.dump();
}

std::optional<Verdict> Read(const std::string& line) {
  const auto saying = ReadSaying(line, kMarker);
  return saying && saying->hung ? std::optional(saying->hung->verdict) : std::nullopt;
}

TEST(EvidenceTest, TheRunnersLineIsAVerdictWithItsEvidence) {
  const auto saying = ReadSaying(Line(), kMarker);
  ASSERT_TRUE(saying && saying->hung);
  const Verdict& verdict = saying->hung->verdict;
  EXPECT_EQ(verdict.class_name, "Idle");
  EXPECT_EQ(verdict.reason, "NoActivity");
  EXPECT_EQ(verdict.message, "nothing for 300 s");
  EXPECT_EQ(verdict.since, *ParseTime("2026-01-02T03:04:05Z"));
  json kept = json::parse(Line());
  kept.erase("marker");
  EXPECT_EQ(json::parse(saying->hung->json), kept);
}

TEST(EvidenceTest, EveryClassOfTheRunnerCounts) {
  for (const char* class_name : {"Deadlock", "Idle", "Busy", "Looping", "Deadline"}) {
    const auto verdict = Read(Line({{"class", class_name}}));
    ASSERT_TRUE(verdict) << class_name;
    EXPECT_EQ(verdict->class_name, class_name);
  }
  EXPECT_FALSE(Read(Line({{"class", "Unobserved"}})));
}

TEST(EvidenceTest, ThatItGoesOnIsAWordToo) {
  const auto saying = ReadSaying(Line({{"verdict", "Progressing"}, {"class", nullptr}}), kMarker);
  ASSERT_TRUE(saying);
  EXPECT_FALSE(saying->hung);
}

TEST(EvidenceTest, OnlyTheAttemptsOwnMarkerIsBelieved) {
  for (const json& marker : {json("fedcba9876543210"), json(""), json(), json(7),
                             json(std::string(kMarker) + "0"), json::array({kMarker})}) {
    EXPECT_FALSE(ReadSaying(Line({{"marker", marker}}), kMarker)) << marker;
    EXPECT_FALSE(ReadSaying(Line({{"marker", marker}, {"verdict", "Progressing"}}), kMarker)) << marker;
  }
  json bare = json::parse(Line());
  bare.erase("marker");
  EXPECT_FALSE(ReadSaying(bare.dump(), kMarker));
  EXPECT_FALSE(ReadSaying(Line({{"marker", ""}}), "")) << "no marker is known: nothing can be believed";
}

TEST(EvidenceTest, LinesThatAreNotOfTheRunnersFormAreNothing) {
  const std::string whole = Line();
  const std::string forged[] = {
      "",
      " " + whole,                         // not at the start of a line
      whole.substr(0, whole.size() / 2),   // cut
      Line({{"verdict", json::array()}}),  // of another type
      Line({{"verdict", "Fine"}}),
      Line({{"since", "now"}}),
      Line({{"since", nullptr}}),
      Line({{"class",
             "not a class"}}),  // would not be a reason of a condition, or would be a label of its own
      Line({{"class", ""}}),
      Line({{"class", nullptr}}),
      "{\"imagebatch\":\"evidence\xff\"}",
      "{\"imagebatch\":" + std::string(30000, '[') + std::string(30000, ']') + "}",
  };
  for (const std::string& line : forged) EXPECT_FALSE(ReadSaying(line, kMarker)) << line;
}

TEST(EvidenceTest, HugeLinesAreSkipped) {
  EXPECT_FALSE(Read(Line({{"evidence", std::string(64 * 1024, 'x')}})));
  EXPECT_TRUE(Read(Line({{"evidence", std::string(60 * 1024, 'x')}})));
}

TEST(EvidenceTest, DeepLinesAreSkipped) {
  const std::string line = Line();
  const std::string deep = std::string(20000, '[') + std::string(20000, ']');
  EXPECT_FALSE(ReadSaying(line.substr(0, line.size() - 1) + ",\"x\":" + deep + "}", kMarker));
  EXPECT_TRUE(ReadSaying(line.substr(0, line.size() - 1) + ",\"x\":[[[[1]]]]}", kMarker));
}

TEST(EvidenceTest, TheMessageIsBoundedAndPrintable) {
  const auto verdict = Read(Line({{"message", "a\nb\x1b[31m" + std::string(600, 'c')}}));
  EXPECT_EQ(verdict->message.substr(0, 9), "a b?[31mc");
  EXPECT_EQ(verdict->message.size(), 512u);
}

TEST(EvidenceTest, AnAccountOfAHangIsEvidenceToo) {
  const json account = {{"exitCode", 124}, {"verdict", "Hung"},
                        {"class", "Idle"}, {"since", "2026-01-02T03:04:05Z"},
                        {"message", "m"},  {"evidence", {{"processes", json::array()}}}};
  const auto evidence = EvidenceOfAccount(account);
  ASSERT_TRUE(evidence);
  EXPECT_EQ(evidence->verdict.class_name, "Idle");
  EXPECT_EQ(json::parse(evidence->json), account);
  EXPECT_FALSE(EvidenceOfAccount({{"verdict", "Progressing"}}));
  EXPECT_FALSE(EvidenceOfAccount(json()));
}

}  // namespace
}  // namespace imagebatch::cluster
