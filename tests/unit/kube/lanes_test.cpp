#include <gmock/gmock.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "kube/request_queue.h"

namespace imagebatch::kube {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

/// One batch, one node or one kind of request must not keep the others waiting: what is counted here is who
/// gets how many of the connections.
class LanesTest : public ::testing::Test {
 protected:
  void Write(uint64_t id, uint64_t sender = 0) { Add(id, Lane::Main, sender, Method::Post, ""); }
  void ReadLog(uint64_t id, const std::string& node, uint64_t sender = 0) {
    Add(id, Lane::Logs, sender, Method::Get, node);
  }
  void Add(uint64_t id, Lane lane, uint64_t sender, Method method, const std::string& node) {
    Request request;
    request.method = method;
    request.lane = lane;
    request.sender = sender;
    request.node = node;
    request.most_bytes = 4 << 20;
    queue_.Add(id, std::move(request));
  }

  /// Takes all that may go now; those that are turned away are noted with the reason.
  std::vector<uint64_t> TakeAll() {
    std::vector<uint64_t> ids;
    while (auto ticket = queue_.Take(now_)) {
      const uint64_t id = ticket->id;
      if (!ticket->turned_away.empty()) {
        turned_away_[id] = ticket->turned_away;
      } else {
        ids.push_back(id);
        wire_.emplace(id, std::move(*ticket));
      }
    }
    return ids;
  }
  bool Finish(uint64_t id, const Result<Response>& result) {
    return queue_.Finish(std::move(wire_.extract(id).mapped()), result, now_);
  }
  static Response Answer(int status, std::optional<std::chrono::seconds> retry_after = {}) {
    return Response{status, "", retry_after};
  }

  SteadyTime now_ = SteadyTime(1000s);
  RequestQueue queue_{8, 1};
  std::map<uint64_t, RequestQueue::Ticket> wire_;
  std::map<uint64_t, std::string> turned_away_;
};

TEST_F(LanesTest, LogsThatNobodyAnswersLeaveEveryConnectionToTheWrites) {
  for (uint64_t id = 100; id < 200; ++id) ReadLog(id, "node-" + std::to_string(id));
  EXPECT_THAT(TakeAll(), SizeIs(RequestQueue::kLogs));
  for (int round = 0; round < 10; ++round) {
    now_ += 10s;
    std::vector<uint64_t> under_way;
    for (const auto& [id, ticket] : wire_) under_way.push_back(id);
    for (const uint64_t id : under_way) EXPECT_TRUE(Finish(id, Fail("timed out")));
    TakeAll();
  }
  for (uint64_t id = 1; id <= 20; ++id) Write(id);
  EXPECT_THAT(TakeAll(), ElementsAre(1, 2, 3, 4, 5, 6, 7, 8));
  EXPECT_EQ(queue_.Limit(), 8);
}

TEST_F(LanesTest, WhatAllReadsOfLogsMayBringIsBounded) {
  const auto read = [&](uint64_t id, size_t most) {
    Request request;
    request.lane = Lane::Logs;
    request.most_bytes = most;
    queue_.Add(id, std::move(request));
  };
  const auto on_wire = [&] {
    size_t bytes = 0;
    for (const auto& [id, ticket] : wire_) bytes += ticket.request.most_bytes;
    return bytes;
  };
  constexpr size_t kLarge = RequestQueue::kLogBytes / 6 * 5, kSmall = RequestQueue::kLogBytes / 6;
  for (uint64_t id = 1; id <= 10; ++id) read(id, id % 2 == 1 ? kLarge : kSmall);
  read(11, 2 * RequestQueue::kLogBytes);
  read(12, kSmall);
  std::vector<uint64_t> order = TakeAll();
  EXPECT_THAT(order, ElementsAre(1, 2));
  while (order.size() < 12) {
    EXPECT_EQ(queue_.NextTake(), std::nullopt) << "a worker would turn round and round";
    const uint64_t first = wire_.begin()->first;
    EXPECT_TRUE(Finish(first, Answer(200)));
    for (const uint64_t id : TakeAll()) order.push_back(id);
    if (!wire_.contains(11)) {
      EXPECT_LE(on_wire(), RequestQueue::kLogBytes);
    } else {
      EXPECT_THAT(wire_, SizeIs(1)) << "more than may be goes alone";
    }
  }
  EXPECT_THAT(order, ElementsAre(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)) << "and none overtakes another";
}

TEST_F(LanesTest, RefusedReadsOfLogsGoToTheCallerAndPauseNoWrite) {
  ReadLog(1, "a");
  TakeAll();
  EXPECT_TRUE(Finish(1, Answer(429, 30s)));
  ReadLog(2, "a");
  Write(3);
  EXPECT_THAT(TakeAll(), ElementsAre(3));
  now_ += 30s;
  EXPECT_THAT(TakeAll(), ElementsAre(2));
}

TEST_F(LanesTest, ANodeThatDoesNotAnswerIsAskedByOneRequestAtATime) {
  for (uint64_t id = 1; id <= 10; ++id) ReadLog(id, "dead");
  EXPECT_THAT(TakeAll(), ElementsAre(1, 2, 3, 4));
  now_ += 10s;
  for (uint64_t id = 1; id <= 4; ++id) Finish(id, Fail("timed out"));
  EXPECT_THAT(TakeAll(), IsEmpty());
  EXPECT_THAT(turned_away_, SizeIs(6));
  EXPECT_THAT(turned_away_[5], HasSubstr("no logs could be read from node dead for 0 s (timed out)"));
  turned_away_.clear();

  // An hour of ten builds that ask again each 5 s: 7,200 questions, of which a few go out
  size_t sent = 0;
  for (int round = 0; round < 720; ++round) {
    for (uint64_t id = 1; id <= 10; ++id) ReadLog(100 + 10 * static_cast<uint64_t>(round) + id, "dead");
    const auto ids = TakeAll();
    EXPECT_LE(ids.size(), 1U);
    sent += ids.size();
    now_ += 5s;
    for (const uint64_t id : ids) Finish(id, Fail("timed out"));
  }
  EXPECT_LE(sent, 65U);
  EXPECT_GE(sent, 40U);
}

TEST_F(LanesTest, ANodeThatAnswersAgainIsAskedAsBefore) {
  ReadLog(1, "n");
  TakeAll();
  now_ += 10s;
  Finish(1, Fail("timed out"));
  now_ += 5s;
  for (uint64_t id = 2; id <= 4; ++id) ReadLog(id, "n");
  EXPECT_THAT(TakeAll(), ElementsAre(2));  // the probe; the others are turned away
  Finish(2, Answer(200));
  for (uint64_t id = 5; id <= 8; ++id) ReadLog(id, "n");
  EXPECT_THAT(TakeAll(), ElementsAre(5, 6, 7, 8));
}

TEST_F(LanesTest, ProbesOfManyDeadNodesLeaveThreeConnectionsToTheLiving) {
  for (uint64_t id = 1; id <= 40; ++id) {
    ReadLog(id, "dead-" + std::to_string(id));
    TakeAll();
    now_ += 10s;
    Finish(id, Answer(504));  // the API server's own words for it
  }
  now_ += 60s;
  for (uint64_t id = 101; id <= 140; ++id) ReadLog(id, "dead-" + std::to_string(id - 100));
  for (uint64_t id = 201; id <= 210; ++id) ReadLog(id, "living");
  const auto ids = TakeAll();
  ASSERT_THAT(ids, SizeIs(4));
  EXPECT_EQ(std::count_if(ids.begin(), ids.end(), [](uint64_t id) { return id > 200; }), 3);
}

TEST_F(LanesTest, AnErrorThatComesAtOnceIsNotTheNodes) {
  for (uint64_t id = 1; id <= 3; ++id) {
    ReadLog(id, "n");
    TakeAll();
    Finish(id, id == 1 ? Result<Response>(Fail("connection refused")) : Result<Response>(Answer(500)));
  }
  ReadLog(4, "n");
  EXPECT_THAT(TakeAll(), ElementsAre(4));
}

TEST_F(LanesTest, ABatchWithTenThousandRequestsKeepsNoOtherWaiting) {
  for (uint64_t id = 1; id <= 10000; ++id) Write(id, 7);
  for (uint64_t id = 20001; id <= 20003; ++id) Write(id, 3);
  Write(30001, 9);
  // By turns; of one sender in order
  EXPECT_THAT(TakeAll(), ElementsAre(20001, 1, 30001, 20002, 2, 20003, 3, 4));
}

TEST_F(LanesTest, ARefusedRequestKeepsItsPlaceAmongThoseOfItsSender) {
  for (uint64_t id = 1; id <= 10; ++id) Write(id, 7);
  TakeAll();
  EXPECT_FALSE(Finish(2, Answer(429)));
  now_ += 250ms;
  for (const uint64_t id : {1U, 3U, 4U, 5U}) Finish(id, Answer(200));
  EXPECT_THAT(TakeAll(), ElementsAre(2));
}

TEST_F(LanesTest, EventsHaveOneConnectionAndComeAfterTheState) {
  for (uint64_t id = 1; id <= 100; ++id) Add(id, Lane::Events, 1, Method::Post, "");
  for (uint64_t id = 201; id <= 220; ++id) Write(id, 1);
  EXPECT_THAT(TakeAll(), ElementsAre(201, 202, 203, 204, 205, 206, 207, 208, 1));
  EXPECT_FALSE(Finish(1, Answer(429, 60s)));  // Events are limited apart by some API servers
  for (uint64_t id = 201; id <= 208; ++id) Finish(id, Answer(200));
  EXPECT_THAT(TakeAll(), SizeIs(8));
}

TEST_F(LanesTest, AReadWithoutAnAnswerDoesNotHalveTheLimitOfWrites) {
  Add(1, Lane::Main, 0, Method::Get, "");
  TakeAll();
  Finish(1, Fail("timed out"));
  EXPECT_EQ(queue_.Limit(), 8);
  Write(2);
  TakeAll();
  now_ += 1s;
  Finish(2, Fail("timed out"));
  EXPECT_EQ(queue_.Limit(), 8 / 2);
}

}  // namespace
}  // namespace imagebatch::kube
