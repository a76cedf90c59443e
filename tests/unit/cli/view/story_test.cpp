#include "cli/view/story.h"

#include <gmock/gmock.h>

#include "unit/cli/view/batch_object.h"

namespace imagebatch::cli {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

const Time kNow = *ParseTime("2026-11-28T10:12:00Z");
const BuildName kBuild{"image", "django__django-17087"};

json Labelled(int attempt, json more) {
  more["metadata"]["labels"]["imagebatch.dev/attempt"] = std::to_string(attempt);
  return more;
}

json FailedResult() {
  return json::parse(
      R"({"stage": "image", "name": "django__django-17087", "attempt_count": 1, "status": "failed",
    "job": "hello-abc-1", "pod": "hello-abc-1-x", "node": "node1", "cause": "Build", "error": "Error: exit code 1",
    "exit_code": 1, "started_at": "2026-11-28T10:00:10Z", "finished_at": "2026-11-28T10:02:10Z", "cpu_seconds": 61.24,
    "peak_rss_bytes": 104857600, "longest_silence_seconds": 12,
    "phases": [{"name": "RUN pip install", "seconds": 100.5}]})");
}

json Job(int attempt) {
  return Labelled(attempt, json::parse(R"({"metadata": {"name": "hello-abc-2", "creationTimestamp":
    "2026-11-28T10:03:00Z", "annotations": {"imagebatch.dev/image": "r.example/django:1"}}, "spec": {}})"));
}

json Pod(int attempt, const std::string& state) {
  return Labelled(attempt,
                  json::parse(R"({"metadata": {"name": "hello-abc-2-y"}, "spec": {"nodeName": "node2"},
    "status": {"containerStatuses": [{"name": "build", "state": )" +
                              state + "}]}}"));
}

json Evidence(int attempt) {
  json record =
      Labelled(attempt, json::parse(R"({"metadata": {"name": "hello-evidence-abc-2"}, "type": "Evidence"})"));
  record["evidence"] = R"({"imagebatch":"evidence","verdict":"Hung","class":"Deadlock","reason":"WaitCycle",)"
                       R"("since":"2026-11-28T10:05:00Z","message":"5 processes wait only for one another"})";
  record["log"] = "kept\n";
  return record;
}

TEST(StoryTextTest, TellsTheWholeStory) {
  const json batch = testing::RunningBatch();
  Story story = TellStory(batch, kBuild, {FailedResult()}, {Job(2)},
                          {Pod(2, R"({"running": {"startedAt": "2026-11-28T10:03:05Z"}})")}, {Evidence(2)});
  story.log = "one\ntwo\n";
  story.log_from = "Pod hello-abc-2-y";
  EXPECT_EQ(StoryText(story, ReadBatchStatus(batch), {100, false}, kNow),
            R"(image/django__django-17087 of hello in builds: hung
  image: r.example/django:1
  needs its builds of: env
  hung: Deadlock for 7m (since 2026-11-28T10:05:00Z): fork_pool.py waits for a Lock that nobody is
    left to unlock

Attempts
  ATTEMPT   STATE     STARTED                TOOK    NODE    WHY
  1         failed    2026-11-28T10:00:10Z   2m      node1   Build: Error: exit code 1
  2         running   2026-11-28T10:03:05Z   8m55s   node2   -
  Job hello-abc-2, Pod hello-abc-2-y

Evidence of attempt 2
  Hung: Deadlock (WaitCycle) since 2026-11-28T10:05:00Z
    5 processes wait only for one another

End of the log (Pod hello-abc-2-y)
  one
  two
)");
}

TEST(StoryTextTest, TellsWhatTheRunnerMeasured) {
  const json batch = testing::RunningBatch();
  const Story story = TellStory(batch, kBuild, {FailedResult()}, {}, {}, {});
  const std::string text = StoryText(story, ReadBatchStatus(batch), {100, false}, kNow);
  EXPECT_THAT(text, HasSubstr("  attempt 1 used 61.2 s of CPU and 100 MiB; it was silent for 12.0 s at most\n"
                              "    100.5 s  RUN pip install\n"));
  EXPECT_THAT(text, Not(HasSubstr("End of the log")));
}

TEST(StoryTest, KnowsTheStateOfAnAttempt) {
  const json batch = testing::RunningBatch();
  const BatchStatus status = ReadBatchStatus(batch);
  const BuildName other{"image", "other"};
  const auto state = [&](const std::vector<json>& jobs, const std::vector<json>& pods) {
    return StateOf(TellStory(batch, other, {FailedResult()}, jobs, pods, {}), status);
  };
  EXPECT_EQ(state({}, {}), "waiting");
  EXPECT_EQ(state({Job(1)}, {}), "waiting for its Pod");
  json held = Job(1);
  held["spec"]["suspend"] = true;
  EXPECT_EQ(state({held}, {}), "held");
  EXPECT_EQ(state({Job(1)}, {Pod(1, R"({"waiting": {"reason": "ImagePullBackOff"}})")}), "pending");
  EXPECT_EQ(state({Job(1)}, {Pod(1, R"({"running": {}})")}), "running");
  EXPECT_EQ(state({Job(1)}, {Pod(1, R"({"terminated": {"exitCode": 0}})")}), "succeeded");
  EXPECT_EQ(state({Job(1)}, {Pod(1, R"({"terminated": {"exitCode": 2}})")}),
            "failed, and may be tried again");
  EXPECT_EQ(state({Job(1), Job(2)}, {Pod(1, R"({"terminated": {"exitCode": 2}})")}), "waiting for its Pod");
}

TEST(StoryTest, SaysWhyAnAttemptIsPending) {
  const json batch = testing::RunningBatch();
  json pod = Pod(1, R"({"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}})");
  const auto why = [&] { return TellStory(batch, {"image", "x"}, {}, {}, {pod}, {}).attempts.at(0).error; };
  EXPECT_EQ(why(), "container build: ImagePullBackOff: no such image");
  pod["status"]["conditions"] = json::parse(
      R"([{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes"}])");
  EXPECT_EQ(why(), "Unschedulable: 0/1 nodes");
}

TEST(StoryTest, TellsAFailureForGood) {
  json batch = testing::RunningBatch();
  const BuildName build{"env", "flask-1.0"};
  json result = FailedResult();
  result["stage"] = "env";
  result["name"] = "flask-1.0";
  EXPECT_EQ(StateOf(TellStory(batch, build, {result}, {}, {}, {}), ReadBatchStatus(batch)), "failed");
}

TEST(StoryTest, TakesNoResultOfAnotherBuild) {
  json result = FailedResult();
  result["stage"] = "env";
  EXPECT_TRUE(TellStory(testing::RunningBatch(), kBuild, {result}, {}, {}, {}).attempts.empty());
}

TEST(StoryTest, IsPrintableWhateverTheClusterSays) {
  json batch = testing::RunningBatch();
  json result = FailedResult();
  result["error"] = "\x1b[2J" + std::string(100000, 'x');
  result["phases"][0]["name"] = "\x1b[2J";
  json record = Evidence(1);
  record["evidence"] = "\x1b[2J no JSON";
  Story story = TellStory(batch, kBuild, {result}, {Job(1)}, {Pod(1, "{}")}, {record});
  story.log = std::string("\x1b[2J\n\n") + std::string(100000, 'y') + "\n" + std::string(1000, '\n');
  story.log_from = "\x1b[2J";
  const std::string text = StoryText(story, ReadBatchStatus(batch), {100, false}, kNow);
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
  EXPECT_LT(text.size(), 10000U);
}

TEST(EvidenceTextTest, HasAtMostTwentyLines) {
  json evidence =
      json::parse(R"({"imagebatch":"evidence","verdict":"Hung","class":"Deadlock","reason":"r","since":"s",
    "message":"m","evidence":{"processes":[],"output":["a","b","c","d","e","f","g","h"],
    "waits":["1","2","3","4","5","6"],"repeats":["1","2","3","4","5","6"]}})");
  for (int i = 0; i < 8; ++i) evidence["evidence"]["processes"].push_back({{"pid", i}});
  const std::string text = EvidenceText({1, "the-record", evidence.dump(), ""});
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 20);
  EXPECT_THAT(text, HasSubstr("more lines in ImageBatchRecord the-record)\n"));
}

}  // namespace
}  // namespace imagebatch::cli
