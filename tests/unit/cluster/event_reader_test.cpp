#include "cluster/store/event_reader.h"

#include <gmock/gmock.h>

#include <map>

#include "unit/cluster/support.h"

namespace imagebatch::cluster {
namespace {

using nlohmann::json;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class EventReaderTest : public testing::Test {
 protected:
  void Ask(int from, int to) {
    for (int i = from; i < to; ++i)
      reader_.Ask(EventKind::Job, {"job" + std::to_string(i), "u" + std::to_string(i)}, wire_.now);
  }
  void Pass(Duration time) {
    wire_.Pass(time);
    reader_.Step(wire_.now);
  }

  static json Page(int from, int to, const std::string& next) {
    json items = json::array();
    for (int i = from; i < to; ++i) {
      items.push_back({{"type", "Warning"},
                       {"reason", "FailedCreate"},
                       {"message", "message " + std::to_string(i)},
                       {"involvedObject", {{"kind", "Job"}, {"uid", "u" + std::to_string(i)}}}});
    }
    return {{"metadata", {{"continue", next}}}, {"items", std::move(items)}};
  }

  /// What was told of an object; "unknown" and "nothing" where there was no Event.
  std::string Answer(int number) {
    const auto at = answers_.find("u" + std::to_string(number));
    if (at == answers_.end()) return "no answer";
    if (!at->second.known) return "unknown";
    return at->second.event ? at->second.event->message : "nothing";
  }

  Wire wire_;
  std::vector<EventReader::Subject> followers_;
  std::map<std::string, EventsAnswer> answers_;  // by UID
  EventReader reader_{"builds", wire_.channel, [this](EventKind) { return followers_; },
                      [this](const EventReader::Subject& subject, const EventsAnswer& answer, Now) {
                        answers_[subject.uid] = answer;
                      }};
};

TEST_F(EventReaderTest, AFewAreAskedAboutOneByOne) {
  Ask(0, 2);
  EXPECT_TRUE(wire_.Silent());
  EXPECT_EQ(reader_.Next(), wire_.now.steady + EventReader::kGather);
  Pass(EventReader::kGather);
  const auto sent = wire_.requests.Take();
  ASSERT_THAT(sent, SizeIs(2));
  EXPECT_THAT(sent[0].request.path, HasSubstr("involvedObject.uid%3Du0"));
  wire_.Reply(sent[0], 200, Page(0, 1, ""));
  wire_.Lose(sent[1]);
  EXPECT_EQ(Answer(0), "message 0");
  EXPECT_EQ(Answer(1), "unknown");
  EXPECT_EQ(reader_.Next(), std::nullopt);
}

TEST_F(EventReaderTest, ManyAreServedByOneListAndThoseWhoFollowWithThem) {
  followers_ = {{"job60", "u60"}, {"job1", "u1"}};
  Ask(0, 50);
  Pass(EventReader::kGather);
  const Command list = wire_.Only();
  EXPECT_THAT(list.request.path,
              HasSubstr("/namespaces/builds/events?fieldSelector=involvedObject.kind%3DJob"));
  wire_.Reply(list, 200, Page(1, 100, ""));
  EXPECT_THAT(answers_, SizeIs(51));
  EXPECT_EQ(Answer(0), "nothing");
  EXPECT_EQ(Answer(49), "message 49");
  EXPECT_EQ(Answer(60), "message 60");
}

TEST_F(EventReaderTest, AListIsReadPageByPage) {
  Ask(0, 20);
  Pass(EventReader::kGather);
  wire_.Reply(wire_.Only(), 200, Page(0, 5, "a=b"));
  EXPECT_THAT(answers_, IsEmpty());
  const Command second = wire_.Only();
  EXPECT_THAT(second.request.path, HasSubstr("&continue=a%3Db"));
  wire_.Reply(second, 200, Page(5, 20, ""));
  EXPECT_EQ(Answer(0), "message 0");
  EXPECT_EQ(Answer(19), "message 19");
}

TEST_F(EventReaderTest, WhatWasNotReadIsNotKnown) {
  Ask(0, 20);
  Pass(EventReader::kGather);
  wire_.Reply(wire_.Only(), 200, Page(0, 5, "next"));
  wire_.Reply(wire_.Only(), 410, Refusal("the token is too old"));
  EXPECT_EQ(Answer(0), "message 0");
  EXPECT_EQ(Answer(19), "unknown");
}

TEST_F(EventReaderTest, AListHasAnEnd) {
  Ask(0, 20);
  Pass(EventReader::kGather);
  for (int page = 0; page < EventReader::kPages; ++page) wire_.Reply(wire_.Only(), 200, Page(0, 1, "next"));
  EXPECT_TRUE(wire_.Silent());
  EXPECT_EQ(Answer(0), "message 0");
  EXPECT_EQ(Answer(19), "unknown");
}

TEST_F(EventReaderTest, ThoseThatComeLaterWaitForEachOther) {
  Ask(0, 1);
  Pass(EventReader::kGather);
  wire_.Reply(wire_.Only(), 200, Page(0, 1, ""));
  for (int i = 1; i < 90; ++i) {
    Ask(i, i + 1);
    Pass(std::chrono::milliseconds(100));
  }
  EXPECT_TRUE(wire_.Silent());
  Pass(seconds(2));
  EXPECT_THAT(wire_.Only().request.path, HasSubstr("involvedObject.kind%3DJob"));
  Ask(90, 91);
  EXPECT_EQ(reader_.Next(), std::nullopt) << "not before the list that is under way";
}

}  // namespace
}  // namespace imagebatch::cluster
