#include "cluster/store/troubles.h"

#include <gmock/gmock.h>

#include "cluster/objects/reply.h"
#include "unit/cluster/support.h"

namespace imagebatch::cluster {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using testing::IsEmpty;
using Turn = Troubles::Turn;

class TroublesTest : public testing::Test {
 protected:
  void Answer(const std::string& subject, int status, const std::string& message = "no") {
    troubles_.Sent({Purpose::CreateJob, subject});
    Result<kube::Response> response = kube::Response{status, Refusal(message).dump(), std::nullopt};
    if (status == 0) response = Fail(message);
    troubles_.Answered({Purpose::CreateJob, subject}, response, wire_.now);
  }
  std::vector<Turn> Turns() {
    std::vector<Turn> turns;
    for (const auto& news : troubles_.Take(wire_.now)) turns.push_back(news.turn);
    return turns;
  }

  Wire wire_;
  Troubles troubles_;
};

TEST_F(TroublesTest, AFailureIsToldOnceThenAgainWhenItHasLastedAMinuteAndWhenItIsOver) {
  Answer("a", 403, "exceeded quota");
  auto news = troubles_.Take(wire_.now);
  ASSERT_EQ(news.size(), 1u);
  EXPECT_EQ(news[0].turn, Turn::Begun);
  EXPECT_EQ(news[0].message, "a: exceeded quota");
  EXPECT_EQ(troubles_.FailingSince(Purpose::CreateJob), kBegin);
  for (int i = 0; i < 5; ++i) {
    wire_.Pass(seconds(10));
    Answer("a", 403, "exceeded quota");
    EXPECT_THAT(Turns(), IsEmpty()) << i;
  }
  EXPECT_THAT(troubles_.Lasting(), IsEmpty());
  EXPECT_EQ(troubles_.Next(), wire_.now.steady + seconds(10));
  wire_.Pass(seconds(10));
  EXPECT_EQ(Turns(), std::vector{Turn::Lasting});
  ASSERT_EQ(troubles_.Lasting().size(), 1u);
  EXPECT_EQ(troubles_.Lasting()[0].message, "a: exceeded quota");
  wire_.Pass(minutes(2));
  Answer("a", 403, "exceeded quota");
  EXPECT_THAT(Turns(), IsEmpty());
  Answer("a", 201);
  EXPECT_EQ(Turns(), std::vector{Turn::Over});
  EXPECT_THAT(troubles_.Lasting(), IsEmpty());
  EXPECT_EQ(troubles_.FailingSince(Purpose::CreateJob), std::nullopt);
  EXPECT_EQ(troubles_.Next(), std::nullopt);
}

TEST_F(TroublesTest, ServersThatRefuseEveryThirdRequestForTenMinutesAreToldOnce) {
  std::vector<Turn> turns;
  for (int i = 0; i < 600; ++i) {
    Answer("job-" + std::to_string(i / 2), i % 3 == 0 ? 500 : 201);
    if (i % 3 == 0) Answer("job-" + std::to_string(i / 2), 201);  // the next try of the same
    for (const Turn turn : Turns()) turns.push_back(turn);
    wire_.Pass(seconds(1));
  }
  EXPECT_EQ(turns, std::vector{Turn::Begun}) << "nothing has been kept from being done for a minute";
  wire_.Pass(minutes(1));
  EXPECT_EQ(Turns(), std::vector{Turn::Over});
}

TEST_F(TroublesTest, AnothersSuccessIsNoneOfMine) {
  Answer("a", 500);
  for (int i = 0; i < 7; ++i) {
    Answer("b", 201);
    wire_.Pass(seconds(10));
    Answer("a", 500);
  }
  EXPECT_EQ(Turns(), (std::vector{Turn::Begun, Turn::Lasting}));
}

TEST_F(TroublesTest, WhatNobodyTriesAnyMoreIsForgotten) {
  Answer("a", 500);
  wire_.Pass(minutes(1));
  EXPECT_EQ(Turns(), (std::vector{Turn::Begun, Turn::Lasting}));
  EXPECT_EQ(troubles_.Next(), wire_.now.steady + minutes(2));
  wire_.Pass(minutes(2));
  EXPECT_EQ(Turns(), std::vector{Turn::Over});
}

TEST_F(TroublesTest, WhatIsStillUnderWayIsNotForgotten) {
  Answer("a", 500);
  troubles_.Sent({Purpose::CreateJob, "a"});
  wire_.Pass(minutes(10));
  EXPECT_EQ(Turns(), (std::vector{Turn::Begun, Turn::Lasting}));
  EXPECT_EQ(troubles_.Next(), std::nullopt);
}

TEST_F(TroublesTest, TheMessageChangesWithTheRefusalAndNotWithTheSubject) {
  Answer("a", 403, "exceeded quota, used 5");
  Answer("b", 403, "exceeded quota, used 6");
  wire_.Pass(minutes(1));
  Turns();
  EXPECT_EQ(troubles_.Lasting()[0].message, "a: exceeded quota, used 5");
  Answer("b", 500, "the webhook is down");
  EXPECT_EQ(troubles_.Lasting()[0].message, "b: the webhook is down");
}

TEST_F(TroublesTest, AServerThatDoesNotAnswerIsNoMatterOfOneBatch) {
  Answer("a", 0);
  EXPECT_TRUE(troubles_.Take(wire_.now).at(0).everybodys);
}

TEST_F(TroublesTest, WhatWasToldBeforeARestartIsNotToldAgainAndEndsWithTheFirstSuccess) {
  troubles_.Restore(Purpose::CreateJob, "exceeded quota", {kBegin, wire_.now.steady - minutes(1)});
  EXPECT_THAT(Turns(), IsEmpty());
  EXPECT_EQ(troubles_.Lasting().size(), 1u);
  Answer("a", 403);
  EXPECT_THAT(Turns(), IsEmpty());
  Answer("a", 201);
  EXPECT_EQ(Turns(), std::vector{Turn::Over});
}

TEST_F(TroublesTest, ItCostsNoMoreForThousandsThatFailAlike) {
  for (int i = 0; i < 5000; ++i) Answer("job-" + std::to_string(i), 500);
  wire_.Pass(minutes(1));
  EXPECT_EQ(Turns(), (std::vector{Turn::Begun, Turn::Lasting}));
  for (int i = 0; i < 5000; ++i) Answer("job-" + std::to_string(i), 201);
  EXPECT_EQ(Turns(), std::vector{Turn::Over});
}

TEST(NamespaceTest, ARefusalBecauseItsNamespaceGoesIsToldApart) {
  const auto answer = [](int status, const nlohmann::json& body) {
    return Result<kube::Response>(kube::Response{status, body.dump(), std::nullopt});
  };
  const nlohmann::json terminating = {{"details", {{"causes", {{{"reason", "NamespaceTerminating"}}}}}}};
  EXPECT_TRUE(NamespaceIsEnding(answer(403, terminating)));
  EXPECT_TRUE(NamespaceIsEnding(answer(404, {{"details", {{"kind", "namespaces"}}}})));
  EXPECT_FALSE(NamespaceIsEnding(answer(404, {{"details", {{"kind", "jobs"}}}})));
  EXPECT_FALSE(NamespaceIsEnding(answer(403, {{"details", {{"causes", {1, nullptr}}}}})));
  EXPECT_FALSE(NamespaceIsEnding(answer(403, {{"details", 1}})));
  EXPECT_FALSE(NamespaceIsEnding(answer(403, 7)));
  EXPECT_FALSE(NamespaceIsEnding(answer(500, terminating)));
}

}  // namespace
}  // namespace imagebatch::cluster
