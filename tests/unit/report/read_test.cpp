#include "report/read.h"

#include <gmock/gmock.h>

#include "unit/report/support.h"

namespace imagebatch::report {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(ReadTest, ALineOfTheController) {
  json line = Line("django-1", "failed", 2);
  line["class"] = "Deadlock";
  line["hung_since"] = "2026-03-13T00:00:30Z";
  line["hangs"] = {{"Deadlock", 1}, {"Idle", 2}};
  line["phases"] = {{{"name", "exporting layers"}, {"seconds", 4}}};
  const Reading reading = Read(Text(line));
  ASSERT_EQ(reading.material.attempts.size(), 1U);
  const Attempt& attempt = reading.material.attempts[0];
  EXPECT_EQ(attempt.name, "django-1");
  EXPECT_EQ(attempt.number, 2);
  EXPECT_EQ(attempt.status, Status::Failed);
  EXPECT_EQ(attempt.error, "Error: exit code 3");
  EXPECT_EQ(attempt.hangs, 3);
  EXPECT_EQ(attempt.seconds, 90.0);
  EXPECT_EQ(attempt.phases.size(), 1U);
  EXPECT_EQ(*attempt.hung_since - *attempt.started, std::chrono::seconds(30));
}

TEST(ReadTest, BlankLinesAMarkAndWindowsLineEndsAreNoFault) {
  std::string text = Text(Line("a", "built"));
  text.insert(text.size() - 1, "\r");
  const Reading reading = Read("\xEF\xBB\xBF" + text + "\n  \r\n" + Text(Line("b", "built")));
  EXPECT_EQ(reading.material.attempts.size(), 2U);
  EXPECT_TRUE(reading.problems.empty());
}

TEST(ReadTest, WhatIsNoResultIsToldWithItsLineAndTheRestIsRead) {
  const std::string text = Text(Line("a", "built")) + "oops\n[1]\n{}\n" + R"({"name":"x","status":"done"})" +
                           "\n" + R"({"name":"x","status":"built","attempt_count":-1})" + "\n" +
                           Text(Line("b", "built"));
  const Reading reading = Read(text);
  EXPECT_EQ(reading.material.attempts.size(), 2U);
  EXPECT_THAT(reading.problems, ElementsAre(HasSubstr("line 2: "), HasSubstr("line 3: is no JSON object"),
                                            HasSubstr("line 4: is no result: it has no name"),
                                            HasSubstr("line 5: is no result: its status"),
                                            HasSubstr("line 6: is no result: it has no attempt_count")));
}

TEST(ReadTest, NotANumberIsRefusedWithItsPlace) {
  std::string text = Text(Line("a", "built"));
  text.replace(text.find("90.0"), 4, "NaN");
  const Reading reading = Read(text + Text(Line("b", "built")));
  EXPECT_EQ(reading.material.attempts.size(), 1U);
  EXPECT_THAT(reading.problems, ElementsAre(HasSubstr("line 1: ")));
}

TEST(ReadTest, ALineThatIsCutOffIsToldAsThat) {
  const std::string whole = Text(Line("b", "built"));
  for (size_t size = 1; size + 1 < whole.size(); size += 7) {
    const Reading reading = Read(Text(Line("a", "built")) + whole.substr(0, size));
    EXPECT_EQ(reading.material.attempts.size(), 1U);
    EXPECT_THAT(reading.problems, ElementsAre("line 2: is cut off; it is left out"));
  }
  EXPECT_EQ(Read(whole.substr(0, whole.size() - 1)).material.attempts.size(), 1U)
      << "only its newline is missing";
}

TEST(ReadTest, DuplicateKeysAreRefused) {
  const Reading reading = Read(R"({"name":"a","name":"b","status":"built","attempt_count":1})"
                               "\n");
  EXPECT_THAT(reading.problems, ElementsAre(HasSubstr("line 1: ")));
}

TEST(ReadTest, LoneSurrogatesAreReplacedAndPairsKept) {
  const std::string line = R"({"name":"a","status":"failed","attempt_count":1,"error":)";
  const auto error = [&](const std::string& text) {
    return Read(line + '"' + text + "\"}\n").material.attempts[0].error;
  };
  EXPECT_EQ(error(R"(\ud800)"), "\xEF\xBF\xBD");
  EXPECT_EQ(error(R"(x\udc80y)"), "x\xEF\xBF\xBDy");
  EXPECT_EQ(error(R"(\ud83d\ud83d\ude00)"), "\xEF\xBF\xBD\xF0\x9F\x98\x80");
  EXPECT_EQ(error(R"(\\ud800)"), "\\ud800") << "an escaped backslash";
  EXPECT_EQ(error(R"(\ud83d\u0041)"),
            "\xEF\xBF\xBD"
            "A");
}

TEST(ReadTest, HugeAndImpossibleValuesAreBounded) {
  json line = Line("a", "failed");
  line["error"] = std::string(200000, 'x');
  line["duration_seconds"] = -5;
  line["tags"] = json::array();
  for (int i = 0; i < 1000; ++i) line["tags"].push_back("t");
  line["hangs"] = {{"Idle", 18446744073709551615U}, {"Busy", -1}, {"Looping", "x"}};
  const Reading reading = Read(Text(line));
  ASSERT_EQ(reading.material.attempts.size(), 1U);
  const Attempt& attempt = reading.material.attempts[0];
  EXPECT_EQ(attempt.error.size(), 4096U);
  EXPECT_EQ(attempt.seconds, 0.0);
  EXPECT_EQ(attempt.tags.size(), 64U);
  EXPECT_EQ(attempt.hangs, 1000000);
}

TEST(ReadTest, ALineOfMoreThanAMegabyteIsRefused) {
  json line = Line("a", "failed");
  line["error"] = std::string(size_t{2} << 20U, 'x');
  EXPECT_THAT(Read(Text(line)).problems, ElementsAre(HasSubstr("line 1: ")));
}

TEST(ReadTest, ProblemsAreCountedOnceThereAreMany) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "oops\n";
  const Reading reading = Read(text);
  ASSERT_EQ(reading.problems.size(), 21U);
  EXPECT_EQ(reading.problems.back(), "and 980 more of this kind");
}

json Record(const std::string& batch, const std::string& name) {
  return {{"apiVersion", "imagebatch.dev/v1alpha1"},
          {"kind", "ImageBatchRecord"},
          {"metadata", {{"name", name}, {"labels", {{"imagebatch.dev/batch", batch}}}}}};
}

TEST(ReadTest, ObjectsAsKubectlPrintsThem) {
  json results = Record("hello", "hello-results-1");
  results["type"] = "Results";
  results["results"] = {Line("a", "built"), Line("b", "failed")};
  json evidence = Record("hello", "hello-evidence-x-1");
  evidence["type"] = "Evidence";
  evidence["evidence"] = R"({"class":"Deadlock"})";
  json watched = evidence;
  watched["metadata"] = {{"name", "of-a-pod"}, {"labels", {{"imagebatch.dev/owner-uid", "u"}}}};
  const json batch = {{"kind", "ImageBatch"}, {"metadata", {{"name", "hello"}}}, {"status", {{"total", 7}}}};
  const json list = {{"apiVersion", "v1"}, {"kind", "List"}, {"items", {results, evidence, watched, batch}}};
  for (const int indent : {-1, 4}) {
    const Reading reading = Read(list.dump(indent) + "\n");
    EXPECT_TRUE(reading.problems.empty());
    EXPECT_EQ(reading.material.batch, "hello");
    EXPECT_EQ(reading.material.attempts.size(), 2U);
    EXPECT_EQ(reading.material.total, 7U);
    EXPECT_EQ(reading.material.evidence.size(), 1U);
    EXPECT_EQ(reading.material.evidence.at("hello-evidence-x-1"), R"({"class":"Deadlock"})");
  }
}

TEST(ReadTest, ObjectsThatWereReadBefore) {
  json results = Record("hello", "hello-results-1");
  results["results"] = {Line("a", "built"), Line("b", "no word")};
  const json batch = {{"kind", "ImageBatch"}, {"metadata", {{"name", "hello"}}}, {"status", {{"total", 7}}}};
  const auto reading = ReadObjects({results, batch});
  ASSERT_TRUE(reading);
  EXPECT_EQ(reading->material.batch, "hello");
  EXPECT_EQ(reading->material.total, 7U);
  EXPECT_EQ(reading->material.attempts.size(), 1U);
  EXPECT_THAT(reading->problems,
              ElementsAre(HasSubstr("ImageBatchRecord hello-results-1.results[1]: is no result")));
}

TEST(ReadTest, ObjectsOfSeveralBatchesAreRefusedWithTheWayOut) {
  json one = Record("one", "one-results-1"), two = Record("two", "two-results-1");
  const auto reading = ReadResults(json{{"kind", "List"}, {"items", {one, two}}}.dump());
  ASSERT_FALSE(reading);
  EXPECT_THAT(reading.error().message, HasSubstr("2 batches (one, two)"));
  EXPECT_THAT(reading.error().message, HasSubstr("-l imagebatch.dev/batch=NAME"));
}

TEST(ReadTest, AnObjectOfAnotherKindIsTold) {
  const Reading reading = Read(R"({"kind": "Pod"})");
  EXPECT_THAT(reading.problems, ElementsAre(HasSubstr("is no ImageBatchRecord")));
}

TEST(ReadTest, TruncatedObjectsAreAnError) {
  EXPECT_FALSE(ReadResults("{\n  \"kind\": \"List\",\n  \"items\": ["));
}

TEST(ReadTest, NothingIsNoResults) {
  for (const char* text : {"", "\n", "  \n\n"}) EXPECT_TRUE(Read(text).material.attempts.empty());
}

}  // namespace
}  // namespace imagebatch::report
