#include "cluster/objects/object_events.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace imagebatch::cluster {
namespace {

using nlohmann::json;

json Event(const char* type, const char* reason, const char* time) {
  return {{"type", type}, {"reason", reason}, {"message", "m"}, {"lastTimestamp", time}};
}

std::string Telling(const json& events) {
  const auto event = FindTelling(json{{"items", events}}.dump());
  return event ? event->reason : "";
}

TEST(ObjectEventsTest, TheNewestWarningOrAPullThatGoesOn) {
  const json mount = Event("Warning", "FailedMount", "2026-01-02T03:04:05Z");
  const json later = Event("Warning", "FailedCreatePodSandBox", "2026-01-02T03:04:06Z");
  const json pulling = Event("Normal", "Pulling", "2026-01-02T03:05:00Z");
  const json pulled = Event("Normal", "Pulled", "2026-01-02T03:06:00Z");
  const json failed = Event("Warning", "Failed", "2026-01-02T03:07:00Z");
  EXPECT_EQ(Telling({later, mount}), "FailedCreatePodSandBox");
  EXPECT_EQ(Telling({mount, pulling}), "Pulling");
  EXPECT_EQ(Telling({mount, pulling, pulled}), "FailedMount");
  EXPECT_EQ(Telling({pulling, failed}), "Failed");
  EXPECT_EQ(Telling({pulling, pulled}), "");
}

TEST(ObjectEventsTest, WhatTellsNothing) {
  EXPECT_EQ(Telling(json::array()), "");
  EXPECT_EQ(Telling(json::array({Event("Normal", "Scheduled", "2026-01-02T03:04:05Z")})), "");
  EXPECT_EQ(Telling(json::array({Event("Warning", "FailedScheduling", "2026-01-02T03:04:05Z")})), "");
  for (const char* text : {"", "{", "[]", "{}", R"({"items": 7})", R"({"items": [7, null, {"type": 3}]})"})
    EXPECT_FALSE(FindTelling(text)) << text;
}

TEST(ObjectEventsTest, ACreatedPodCountsWhereNothingElseDoes) {
  const json created = Event("Normal", "SuccessfulCreate", "2026-01-02T03:09:00Z");
  EXPECT_EQ(Telling(json::array({created})), "SuccessfulCreate");
  EXPECT_EQ(Telling({Event("Warning", "FailedCreate", "2026-01-02T03:04:05Z"), created}), "FailedCreate");
}

TEST(ObjectEventsTest, TimesStandInThreePlaces) {
  json series = Event("Warning", "Series", "2026-01-02T03:00:00Z");
  series["series"] = {{"lastObservedTime", "2026-01-02T03:09:00.123456Z"}};
  json micro = Event("Warning", "Micro", "");
  micro["eventTime"] = "2026-01-02T03:08:00.000001Z";
  const json plain = Event("Warning", "Plain", "2026-01-02T03:07:00Z");
  EXPECT_EQ(Telling({series, micro, plain}), "Series");
  EXPECT_EQ(Telling({micro, plain}), "Micro");
}

TEST(ObjectEventsTest, TheRequestIsForOneObjectAndBounded) {
  const kube::Request request = EventsRequest("builds", "8a1f");
  EXPECT_EQ(request.method, kube::Method::Get);
  EXPECT_EQ(request.path,
            "/api/v1/namespaces/builds/events?fieldSelector=involvedObject.uid%3D8a1f&limit=50");
}

}  // namespace
}  // namespace imagebatch::cluster
