#include "kube/request_queue.h"

#include <gmock/gmock.h>

#include <vector>

namespace imagebatch::kube {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

Request Get(const std::string& path) {
  Request request;
  request.path = path;
  return request;
}

Response Answer(int status, std::optional<std::chrono::seconds> retry_after = {}) {
  return Response{status, "", retry_after};
}

class RequestQueueTest : public ::testing::Test {
 protected:
  void Add(int from, int to) {
    for (int i = from; i <= to; ++i) queue_.Add(static_cast<uint64_t>(i), Get("/" + std::to_string(i)));
  }
  /// Takes as many as may go now.
  std::vector<uint64_t> TakeAll() {
    std::vector<uint64_t> ids;
    while (auto ticket = queue_.Take(now_)) {
      ids.push_back(ticket->id);
      taken_.push_back(std::move(*ticket));
    }
    return ids;
  }
  bool Finish(const Result<Response>& result) {
    RequestQueue::Ticket ticket = std::move(taken_.front());
    taken_.erase(taken_.begin());
    return queue_.Finish(std::move(ticket), result, now_);
  }
  void FinishAll(const Result<Response>& result) {
    while (!taken_.empty()) Finish(result);
  }

  SteadyTime now_ = SteadyTime(1000s);
  RequestQueue queue_{8, 1};
  std::vector<RequestQueue::Ticket> taken_;
};

TEST_F(RequestQueueTest, FirstComeFirstServedUpToTheLimit) {
  Add(1, 20);
  EXPECT_THAT(TakeAll(), ElementsAre(1, 2, 3, 4, 5, 6, 7, 8));
  EXPECT_EQ(queue_.NextTake(), std::nullopt);  // time alone changes nothing
  EXPECT_TRUE(Finish(Answer(201)));
  EXPECT_THAT(TakeAll(), ElementsAre(9));
}

TEST_F(RequestQueueTest, EveryAnswerButARefusalGoesToTheCaller) {
  for (const int status : {200, 201, 404, 409, 410, 422, 500, 504}) {
    Add(1, 1);
    TakeAll();
    EXPECT_TRUE(Finish(Answer(status))) << status;
  }
  Add(1, 1);
  TakeAll();
  EXPECT_TRUE(Finish(Fail("connection reset")));
  EXPECT_TRUE(queue_.Empty());
}

TEST_F(RequestQueueTest, ARefusedRequestIsSentAgainBeforeLaterOnes) {
  Add(1, 12);
  TakeAll();
  EXPECT_FALSE(Finish(Answer(429)));
  now_ += 250ms;  // the longest first backoff
  for (int i = 0; i < 4; ++i) Finish(Answer(200));
  EXPECT_THAT(TakeAll(), ElementsAre(1));
}

TEST_F(RequestQueueTest, OthersGoOnWhileOneBacksOff) {
  Add(1, 1);
  TakeAll();
  EXPECT_FALSE(Finish(Answer(503)));
  const auto again = queue_.NextTake();
  ASSERT_TRUE(again);
  ASSERT_GT(*again, now_);
  EXPECT_LE(*again, now_ + 250ms);
  Add(2, 2);
  EXPECT_THAT(TakeAll(), ElementsAre(2));
  now_ = *again;
  EXPECT_THAT(TakeAll(), ElementsAre(1));
}

TEST_F(RequestQueueTest, RetryAfterPausesEveryRequest) {
  Add(1, 20);
  TakeAll();
  EXPECT_FALSE(Finish(Answer(429, 3s)));
  FinishAll(Answer(200));
  EXPECT_THAT(TakeAll(), ElementsAre());
  EXPECT_EQ(queue_.NextTake(), now_ + 3s);
  now_ += 2999ms;
  EXPECT_THAT(TakeAll(), ElementsAre());
  now_ += 1ms;
  EXPECT_THAT(TakeAll(), ElementsAre(9, 10, 11, 12));  // the limit was halved
}

TEST_F(RequestQueueTest, AnAbsurdRetryAfterIsCapped) {
  Add(1, 1);
  TakeAll();
  Finish(Answer(429, std::chrono::hours(24)));
  EXPECT_LE(*queue_.NextTake(), now_ + 61s);
}

TEST_F(RequestQueueTest, RefusalsBackOffLongerAndLonger) {
  Add(1, 1);
  Duration total{};
  for (int i = 0; i < 20; ++i) {
    ASSERT_EQ(TakeAll().size(), 1U) << i;
    EXPECT_FALSE(Finish(Answer(429)));
    total += std::chrono::ceil<Duration>(*queue_.NextTake() - now_);
    EXPECT_LE(*queue_.NextTake(), now_ + 30s);
    now_ = *queue_.NextTake();
  }
  EXPECT_GT(total, 60s);
}

TEST_F(RequestQueueTest, RequestsRefusedTogetherHalveTheLimitOnce) {
  Add(1, 8);
  TakeAll();
  now_ += 10ms;
  FinishAll(Answer(429));
  EXPECT_EQ(queue_.Limit(), 4);
}

TEST_F(RequestQueueTest, TheLimitFallsToOneAndRisesByOneEachRound) {
  for (const int limit : {4, 2, 1, 1}) {
    Add(1, 1);
    now_ += 60s;
    EXPECT_FALSE(TakeAll().empty());
    now_ += 1ms;
    while (!taken_.empty()) Finish(Answer(429));
    EXPECT_EQ(queue_.Limit(), limit);
  }
  for (int limit = 1; limit < 8; ++limit) {
    now_ += 60s;
    Add(1, limit);
    EXPECT_EQ(TakeAll().size(), static_cast<size_t>(limit));
    FinishAll(Answer(200));
    EXPECT_EQ(queue_.Limit(), limit + 1);
  }
  Add(1, 20);
  TakeAll();
  FinishAll(Answer(200));
  EXPECT_EQ(queue_.Limit(), 8);
}

TEST_F(RequestQueueTest, AServerThatIsDownIsNotHammered) {
  Duration total{};
  for (int i = 0; i < 30; ++i) {
    Add(i, i);
    if (const auto next = queue_.NextTake(); *next > now_) {
      total += std::chrono::ceil<Duration>(*next - now_);
      EXPECT_LE(*next, now_ + 5s);
      now_ = *next;
    }
    ASSERT_EQ(TakeAll().size(), 1U);
    EXPECT_TRUE(Finish(Fail("connection refused")));  // a caller that repeats at once
  }
  EXPECT_GT(total, 20s);
  Add(1, 1);
  now_ += 5s;
  TakeAll();
  Finish(Answer(200));
  Add(1, 1);
  TakeAll();
  Finish(Fail("connection reset"));  // one alone is no reason to pause
  Add(2, 2);
  EXPECT_THAT(TakeAll(), ElementsAre(2));
}

TEST_F(RequestQueueTest, AbandonEmptiesWhatWaits) {
  Add(1, 10);
  TakeAll();
  Finish(Answer(429));
  std::vector<uint64_t> left;
  while (const auto ticket = queue_.Abandon()) left.push_back(ticket->id);
  EXPECT_THAT(left, ElementsAre(9, 10, 1));
  EXPECT_FALSE(queue_.Empty());  // seven are on the wire
  FinishAll(Answer(200));
  EXPECT_TRUE(queue_.Empty());
}

}  // namespace
}  // namespace imagebatch::kube
