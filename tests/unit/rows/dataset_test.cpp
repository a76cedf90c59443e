#include "rows/dataset.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <nlohmann/json.hpp>

#include "rows/config_maps.h"

namespace imagebatch::rows {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

/// Replies that were given before, for faults and time; tests/rows speaks to a server.
class Replies final : public kube::HttpTransport {
 public:
  Result<kube::Response> Send(const kube::Request& request, std::chrono::milliseconds) override {
    paths.push_back(request.path);
    if (replies.empty()) return Fail("nobody is there");
    auto reply = std::move(replies.front());
    replies.pop_front();
    return reply;
  }
  Result<void> Stream(const kube::Request&, std::chrono::milliseconds, const std::atomic<bool>&,
                      const std::function<bool(const kube::Response&)>&,
                      const std::function<bool(std::string_view)>&) override {
    return Fail("not used");
  }
  void Shutdown() override {}

  std::deque<Result<kube::Response>> replies;
  std::vector<std::string> paths;
};

kube::Response Reply(const json& body, int status = 200,
                     std::optional<std::chrono::seconds> retry_after = {}) {
  return {.status = status, .body = body.dump(), .retry_after = retry_after, .received = 0};
}

json Splits() {
  return {{"splits",
           {{{"dataset", "o/n"}, {"config", "default"}, {"split", "dev"}},
            {{"dataset", "o/n"}, {"config", "default"}, {"split", "test"}}}}};
}

/// A page as the server sends it: rows from `first` on.
json Page(size_t first, size_t count, size_t total) {
  json page = {{"features", json::array()},
               {"rows", json::array()},
               {"num_rows_total", total},
               {"num_rows_per_page", 100},
               {"partial", false}};
  for (size_t i = first; i < first + count; ++i) {
    page["rows"].push_back({{"row_idx", i},
                            {"row", {{"id", i}, {"v", 4.5}, {"patch", "x"}, {"l", {1}}}},
                            {"truncated_cells", {"patch"}}});
  }
  return page;
}

class DatasetTest : public testing::Test {
 protected:
  Result<std::vector<Record>> Fetch(const Columns& columns = {{"id", "v"}},
                                    const DatasetSplit& split = {"o/n", "", "test"}) {
    const FetchTools tools{transport_, [&](Duration wait) { waits_.push_back(wait); }, [] { return 1.0; },
                           [&](size_t done, size_t) { progress_.push_back(done); },
                           [&](const std::string& why, Duration) { told_.push_back(why); }};
    return FetchRecords(split, columns, tools);
  }
  std::string Problem(const Columns& columns = {{"id", "v"}}) {
    const auto records = Fetch(columns);
    return records ? "none" : records.error().message;
  }

  Replies transport_;
  std::vector<Duration> waits_;
  std::vector<size_t> progress_;
  std::vector<std::string> told_;
};

TEST_F(DatasetTest, IsReadPageByPage) {
  transport_.replies = {Reply(Splits()), Reply(Page(0, 100, 230)), Reply(Page(100, 100, 230)),
                        Reply(Page(200, 30, 230))};
  const auto records = Fetch();
  ASSERT_TRUE(records) << records.error().message;
  ASSERT_THAT(*records, SizeIs(230));
  EXPECT_EQ(JsonLine(records->at(229)), R"({"id": 229, "v": 4.5})");
  EXPECT_THAT(transport_.paths,
              ElementsAre("/splits?dataset=o%2Fn",
                          "/rows?dataset=o%2Fn&config=default&split=test&offset=0&length=100",
                          "/rows?dataset=o%2Fn&config=default&split=test&offset=100&length=100",
                          "/rows?dataset=o%2Fn&config=default&split=test&offset=200&length=100"));
  EXPECT_THAT(progress_, ElementsAre(100, 200, 230));
}

TEST_F(DatasetTest, IsAskedForAgainAsTheServerWishes) {
  transport_.replies = {Fail("connection refused"), Reply({{"error", "busy"}}, 500),
                        Reply(json(), 429, 7s),     Reply(Splits()),
                        Reply(json(), 503),         Reply(Page(0, 1, 1))};
  ASSERT_TRUE(Fetch());
  EXPECT_THAT(waits_, ElementsAre(1s, 2s, 7s, 1s));
  EXPECT_THAT(told_, ElementsAre("no reply: connection refused", "the server answers 500: busy",
                                 "the server answers 429", "the server answers 503"));
}

TEST_F(DatasetTest, IsGivenUpAfterEightAttempts) {
  EXPECT_EQ(Problem(), "no reply: nobody is there; given up after 8 attempts");
  EXPECT_THAT(waits_, ElementsAre(1s, 2s, 4s, 8s, 16s, 32s, 60s));
}

TEST_F(DatasetTest, DoesNotWaitForHours) {
  transport_.replies = {Reply(json(), 429, 3600s)};
  EXPECT_EQ(Problem(), "the server answers 429; it asks to wait 3600 s, so try again later");
  EXPECT_THAT(waits_, IsEmpty());
}

TEST_F(DatasetTest, SaysWhatTheServerSays) {
  transport_.replies = {Reply({{"error", "The dataset does not exist.\n\x1b[31m"}}, 404)};
  EXPECT_EQ(Problem(),
            "the server answers 404: The dataset does not exist. ?[31m (a private or gated data set needs a "
            "token in "
            "HF_TOKEN)");
  transport_.replies = {Reply("text")};
  EXPECT_EQ(Problem(), "the reply to /splits is not that of a datasets server");
  transport_.replies = {Reply(Splits()), Reply({{"rows", 7}})};
  EXPECT_EQ(Problem(), "the reply to /rows at 0 is not that of a datasets server");
}

TEST_F(DatasetTest, NeedsOneSplit) {
  transport_.replies = {Reply(Splits())};
  EXPECT_THAT(Fetch({}, {"o/n", "", ""}).error().message,
              HasSubstr("it has more than one split with config any and split any; give one of these "
                        "(CONFIG/SPLIT) with --config and --split: default/dev, default/test"));
  transport_.replies = {Reply(Splits())};
  EXPECT_THAT(Fetch({}, {"o/n", "other", "test"}).error().message,
              HasSubstr("it has no split with config \"other\" and split \"test\""));
}

TEST_F(DatasetTest, TellsWhatIsNotWhole) {
  transport_.replies = {Reply(Splits()), Reply(Page(0, 1, 1))};
  EXPECT_EQ(Problem({{"id", "patch"}}),
            "row 0: the server cut column \"patch\" short; leave it out (--columns, --for), or download the "
            "data set "
            "and give its file");
  json page = Page(0, 1, 1);
  page["partial"] = true;
  transport_.replies = {Reply(Splits()), Reply(page)};
  EXPECT_THAT(Problem(), HasSubstr("the server has only the first 1 rows of this split"));
  transport_.replies = {Reply(Splits()), Reply(Page(1, 1, 2))};
  EXPECT_EQ(Problem(), "row 0: the server sent another row in its place");
  transport_.replies = {Reply(Splits()), Reply(Page(0, 100, 200)), Reply(Page(100, 0, 200))};
  EXPECT_EQ(Problem(), "the server sends no rows from 100 on, though it has 200");
  transport_.replies = {Reply(Splits()), Reply(Page(0, 100, 200)), Reply(Page(100, 100, 300))};
  EXPECT_EQ(Problem(), "the data set changed while it was read; start again");
}

TEST_F(DatasetTest, KeepsNumbersAndTellsBadText) {
  const std::string page = R"({"features": [], "rows": [{"row_idx": 0, "row": {"id": 4.10, "v": "\ud800"},
      "truncated_cells": []}], "num_rows_total": 1, "partial": false})";
  transport_.replies = {Reply(Splits()),
                        kube::Response{.status = 200, .body = page, .retry_after = {}, .received = 0}};
  EXPECT_THAT(Problem(), HasSubstr("row 0: line 1, column "));
  std::string good = page;
  good.replace(good.find("\\ud800"), 6, "x");
  transport_.replies = {Reply(Splits()),
                        kube::Response{.status = 200, .body = good, .retry_after = {}, .received = 0}};
  const auto records = Fetch();
  ASSERT_TRUE(records) << records.error().message;
  EXPECT_EQ(JsonLine(records->at(0)), R"({"id": 4.10, "v": "x"})");
}

}  // namespace
}  // namespace imagebatch::rows
