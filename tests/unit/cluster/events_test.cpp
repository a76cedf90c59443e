#include "cluster/store/events.h"

#include <gmock/gmock.h>

#include "unit/cluster/support.h"

namespace imagebatch::cluster {
namespace {

using nlohmann::json;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;

class EventsTest : public testing::Test {
 protected:
  EventsTest() {
    batch_.ns = "builds";
    batch_.name = "b";
    batch_.uid = "u";
  }

  /// The reasons of those sent since the last call, which are accepted.
  std::vector<std::string> Told() {
    std::vector<std::string> reasons;
    for (const Command& command : wire_.requests.Take()) {
      EXPECT_EQ(command.request.lane, kube::Lane::Events) << "Events hold up nothing else";
      reasons.push_back(Body(command)["reason"]);
      message_ = Body(command)["message"];
      wire_.Reply(command, 201, json::object());
    }
    return reasons;
  }

  void Fail(int count) {
    for (int i = 0; i < count; ++i) events_.Warning("BuildFailed", std::to_string(i), wire_.now);
  }

  /// Lets time pass up to what the emitter has to do next.
  Duration PassToNext() {
    const auto next = events_.Next();
    EXPECT_TRUE(next);
    const Duration time = std::chrono::ceil<Duration>(next.value_or(wire_.now.steady) - wire_.now.steady);
    wire_.Pass(time);
    events_.Step(wire_.now);
    return time;
  }

  batch::Batch batch_;
  Wire wire_;
  EventEmitter events_{batch_, wire_.channel};
  std::string message_;  // of the last one
};

TEST_F(EventsTest, OfThousandsAFewAreWrittenAndTheOthersCounted) {
  Fail(2000);
  events_.Normal("BuildRecovered", "m", wire_.now);
  EXPECT_EQ(Told().size(), 25u);
  EXPECT_EQ(PassToNext(), minutes(5));
  EXPECT_THAT(Told(), ElementsAre("EventsLeftOut"));
  EXPECT_EQ(message_,
            "1976 more Events were left out (1975 BuildFailed, 1 BuildRecovered); the controller's log has "
            "them all");
  EXPECT_EQ(events_.Next(), std::nullopt);
}

TEST_F(EventsTest, OneMoreIsWrittenEveryFiveMinutes) {
  Fail(25);
  Told();
  wire_.Pass(minutes(4));
  Fail(1);
  EXPECT_THAT(Told(), IsEmpty());
  wire_.Pass(minutes(1));
  events_.Step(wire_.now);
  EXPECT_THAT(Told(), ElementsAre("EventsLeftOut"));
  wire_.Pass(minutes(5));
  Fail(2);
  EXPECT_THAT(Told(), ElementsAre("BuildFailed"));
  wire_.Pass(minutes(300));
  events_.Step(wire_.now);
  Told();
  wire_.Pass(minutes(300));
  Fail(100);
  EXPECT_EQ(Told().size(), 25u) << "never more at once";
}

TEST_F(EventsTest, WhatTellsOfTheBatchAndTheFirstHangAreNeverLeftOut) {
  Fail(100);
  Told();
  for (const char* reason : {"Started", "Invalid", "InputChanged", "BuildHung", "BuildHung"})
    events_.Warning(reason, "m", wire_.now);
  EXPECT_THAT(Told(), ElementsAre("Started", "Invalid", "InputChanged", "BuildHung"));
  events_.Normal("Completed", "m", wire_.now);
  EXPECT_THAT(Told(), ElementsAre("EventsLeftOut", "Completed")) << "little is told after that";
  events_.Warning("Failed", "m", wire_.now);
  events_.Normal("Deleted", "m", wire_.now);
  EXPECT_THAT(Told(), ElementsAre("Failed", "Deleted"));
}

TEST_F(EventsTest, OneThatMayNotHaveArrivedIsSentAgainUnderItsName) {
  events_.Normal("Started", "m", wire_.now);
  const Command first = wire_.Only();
  wire_.Lose(first);
  EXPECT_EQ(PassToNext(), seconds(1));
  const Command second = wire_.Only();
  EXPECT_EQ(second.request.body, first.request.body);
  wire_.Reply(second, 500, Refusal("etcd"));
  EXPECT_EQ(PassToNext(), seconds(2));
  wire_.Reply(wire_.Only(), 409, {{"kind", "Status"}, {"reason", "AlreadyExists"}, {"message", "m"}});
  EXPECT_EQ(events_.Next(), std::nullopt) << "the first had arrived";
}

TEST_F(EventsTest, OneThatIsNeverAcceptedIsGivenUp) {
  events_.Normal("Started", "m", wire_.now);
  for (int i = 1; i < EventOutbox::kTries; ++i) {
    wire_.Lose(wire_.Only());
    PassToNext();
  }
  EXPECT_LE(wire_.now.wall - kBegin, minutes(2));
  wire_.Lose(wire_.Only());
  EXPECT_EQ(events_.Next(), std::nullopt);
}

TEST_F(EventsTest, OneThatIsRefusedIsNotSentAgain) {
  events_.Normal("Started", "m", wire_.now);
  wire_.Reply(wire_.Only(), 403, Refusal("no"));
  EXPECT_EQ(events_.Next(), std::nullopt);
}

}  // namespace
}  // namespace imagebatch::cluster
