#include "registry/question_queue.h"

#include <gmock/gmock.h>

namespace imagebatch::registry {
namespace {

using namespace std::chrono_literals;
using Kind = Answer::Kind;

constexpr SteadyTime kStart{1h};

Answer Of(Kind kind, std::chrono::seconds retry_after = 0s) { return {kind, "", "why", retry_after}; }

class QuestionQueueTest : public ::testing::Test {
 protected:
  void Add(uint64_t id, const std::string& image, uint64_t sender = 1) { queue_.Add({id, sender, image}); }
  std::optional<QuestionQueue::Ticket> Take() { return queue_.Take(now_); }
  /// Takes one and answers it.
  uint64_t Answered(const Answer& answer) {
    const auto ticket = Take();
    if (!ticket || ticket->answer) return 0;
    queue_.Finish(*ticket, answer, now_);
    return ticket->question.id;
  }

  QuestionQueue queue_;
  SteadyTime now_ = kStart;
};

TEST_F(QuestionQueueTest, SendersTakeTurns) {
  for (uint64_t id = 1; id <= 3; ++id) Add(id, "r/a:1", 1);
  Add(4, "r/a:1", 2);
  std::vector<uint64_t> order;
  for (int i = 0; i < 4; ++i) order.push_back(Answered(Of(Kind::There)));
  EXPECT_THAT(order, ::testing::ElementsAre(1, 4, 2, 3));
}

TEST_F(QuestionQueueTest, ARegistryThatHangsHoldsUpNoOther) {
  for (uint64_t id = 1; id <= 10; ++id) Add(id, "slow.example/a:1");
  for (uint64_t id = 11; id <= 12; ++id) Add(id, "quick.example/a:1");
  int slow = 0, quick = 0;
  while (const auto ticket = Take()) ++(ticket->place.registry == "slow.example" ? slow : quick);
  EXPECT_EQ(slow, QuestionQueue::kConnections);
  EXPECT_EQ(quick, 2);
}

TEST_F(QuestionQueueTest, WhatIsThrottledIsNotAskedBeforeItsTime) {
  Add(1, "r.example/a:1");
  Add(2, "r.example/b:1");
  EXPECT_EQ(Answered(Of(Kind::Throttled, 30s)), 1U);
  now_ += 10s;
  const auto early = Take();
  ASSERT_TRUE(early);
  ASSERT_TRUE(early->answer);
  EXPECT_EQ(early->answer->kind, Kind::Throttled);
  EXPECT_EQ(early->answer->retry_after, 20s);
  now_ += 20s;
  Add(3, "r.example/a:1");
  EXPECT_EQ(Answered(Of(Kind::NotThere)), 3U);
}

TEST_F(QuestionQueueTest, WhatDoesNotAnswerIsAskedByOneAfterEverLongerPauses) {
  for (uint64_t id = 1; id <= 4; ++id) Add(id, "r.example/a:1");
  std::vector<QuestionQueue::Ticket> under_way;
  for (int i = 0; i < 4; ++i) under_way.push_back(*Take());
  for (const auto& ticket : under_way) queue_.Finish(ticket, Of(Kind::Unreachable), now_);
  for (const std::chrono::seconds pause : {5s, 10s, 20s, 40s, 60s, 60s}) {
    Add(9, "r.example/a:1");
    EXPECT_TRUE(Take()->answer);  // at once
    now_ += pause - 1s;
    Add(9, "r.example/a:1");
    EXPECT_TRUE(Take()->answer) << pause.count();
    now_ += 1s;
    Add(10, "r.example/a:1");
    Add(11, "r.example/a:1");
    const auto probe = Take();
    ASSERT_TRUE(probe);
    EXPECT_FALSE(probe->answer) << pause.count();
    EXPECT_FALSE(Take());  // one at a time
    EXPECT_FALSE(queue_.NextTake(now_));
    queue_.Finish(*probe, Of(Kind::Unreachable), now_);
    EXPECT_TRUE(Take()->answer);
  }
  now_ += 60s;
  Add(12, "r.example/a:1");
  EXPECT_EQ(Answered(Of(Kind::NotThere)), 12U);
  for (uint64_t id = 1; id <= 3; ++id) {
    Add(id, "r.example/a:1");
    const auto ticket = Take();
    ASSERT_TRUE(ticket && !ticket->answer);
  }
}

TEST_F(QuestionQueueTest, WhatIsDeniedStandsForItsRepository) {
  Add(1, "r.example/secret:1");
  EXPECT_EQ(Answered(Of(Kind::Denied)), 1U);
  Add(2, "r.example/secret:2");
  EXPECT_EQ(Take()->answer->kind, Kind::Denied);
  Add(3, "r.example/open:1");
  EXPECT_EQ(Answered(Of(Kind::There)), 3U);
  now_ += 60s;
  Add(4, "r.example/secret:2");
  EXPECT_EQ(Answered(Of(Kind::There)), 4U);
}

TEST_F(QuestionQueueTest, SaysWhenToLookAgain) {
  EXPECT_FALSE(queue_.NextTake(now_));
  Add(1, "r.example/a:1");
  EXPECT_EQ(queue_.NextTake(now_), now_);
  EXPECT_EQ(Answered(Of(Kind::There)), 1U);
  EXPECT_FALSE(queue_.NextTake(now_));
}

TEST_F(QuestionQueueTest, AHostGetsSoManyRequestsASecond) {
  SteadyTime last = now_;
  constexpr int kRequests = 100;
  for (int i = 0; i < kRequests; ++i) {
    const SteadyTime at = queue_.Reserve("r.example", now_);
    EXPECT_GE(at, last);
    EXPECT_TRUE(i >= QuestionQueue::kBurst || at == now_);
    last = at;
  }
  EXPECT_EQ(last - now_, std::chrono::milliseconds(1000) / QuestionQueue::kPerSecond *
                             (kRequests - QuestionQueue::kBurst));
  EXPECT_EQ(queue_.Reserve("other.example", now_), now_);
  EXPECT_EQ(queue_.Reserve("r.example", now_ + 10s), now_ + 10s);
}

TEST_F(QuestionQueueTest, WhatIsGivenUpComesOut) {
  Add(1, "r.example/a:1");
  Add(2, "s.example/a:1");
  EXPECT_TRUE(queue_.Abandon());
  EXPECT_TRUE(queue_.Abandon());
  EXPECT_FALSE(queue_.Abandon());
}

}  // namespace
}  // namespace imagebatch::registry
