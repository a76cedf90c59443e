#include <gmock/gmock.h>
#include <simdjson.h>

#include <condition_variable>
#include <map>
#include <set>
#include <thread>

#include "apiserver/kube/api_server.h"
#include "kube/reflector.h"

namespace imagebatch::kube {
namespace {

using namespace std::chrono_literals;
using testing::ApiServer;
using ::testing::Contains;
using ::testing::Not;

/// Mirrors a collection, as a controller would.
class Mirror final : public WatchSink {
 public:
  void OnListBegin() override {
    const std::lock_guard lock(mutex_);
    listed_.clear();
  }
  void OnObject(Change change, std::string_view text) override {
    const auto object = nlohmann::json::parse(text);
    const std::string name = object["metadata"]["name"];
    const std::lock_guard lock(mutex_);
    if (change == Change::Deleted) {
      present_.erase(name);
    } else {
      present_.insert(name);
      ever_.insert(name);
    }
    if (change == Change::Listed) listed_.insert(name);
    changed_.notify_all();
  }
  void OnListEnd(const std::string&) override {
    const std::lock_guard lock(mutex_);
    present_ = listed_;
    ++lists_;
    changed_.notify_all();
  }
  void OnBookmark(const std::string&) override {}
  void OnRestart(RestartReason reason, const std::string&) override {
    const std::lock_guard lock(mutex_);
    ++restarts_[reason];
    changed_.notify_all();
  }
  void OnHealth(bool healthy, const std::string&) override {
    const std::lock_guard lock(mutex_);
    healthy_ = healthy;
    changed_.notify_all();
  }

  /// Waits until this holds; false after a minute.
  template <class Predicate>
  bool WaitFor(Predicate holds) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 60s, holds);
  }

  // Read only within WaitFor, or once the reflector has stopped
  std::set<std::string> present_, ever_;
  std::map<RestartReason, int> restarts_;
  int lists_ = 0;
  bool healthy_ = false;

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::set<std::string> listed_;
};

class WatchTest : public ::testing::Test {
 protected:
  Collection ConfigMaps(int page = 500) { return {server_.ConfigMaps(), "test=x", page}; }
  /// The events of one watch of the test's ConfigMaps until it ends or `enough` says so.
  Result<void> Read(const std::string& query, const std::function<bool(const WatchEvent&)>& enough) {
    Request request;
    request.path = server_.ConfigMaps() + "?watch=true&" + query;
    const std::atomic<bool> stop = false;
    LineSplitter lines;
    Decoder decoder;
    Response refusal;
    auto end = server_.client().Stream(
        request, 30s, stop,
        [&](const Response& head) {
          refusal = head;
          return true;
        },
        [&](std::string_view piece) {
          if (refusal.status != 200) {
            refusal.body.append(piece);
            return true;
          }
          EXPECT_TRUE(lines.Feed(piece));
          for (std::string_view line; lines.Next(line);) {
            const auto event = decoder.ReadEvent(line);
            EXPECT_TRUE(event) << line;
            if (event && enough(*event)) return false;
          }
          return true;
        });
    if (refusal.status != 200) {
      WatchEvent event;
      event.status = Refusal(refusal);
      enough(event);
    }
    return end;
  }

  ApiServer server_;
  Mirror mirror_;
};

TEST_F(WatchTest, ListsInPagesAndFollowsEveryChange) {
  for (int i = 0; i < 10; ++i) server_.CreateConfigMap("before-" + std::to_string(i));
  server_.CreateConfigMap("unlabelled", "y");
  Reflector reflector(server_.client(), ConfigMaps(3), mirror_, 1);
  ASSERT_TRUE(mirror_.WaitFor([&] { return mirror_.present_.size() == 10 && mirror_.lists_ == 1; }));
  for (int i = 0; i < 10; ++i) server_.CreateConfigMap("after-" + std::to_string(i));
  server_.DeleteConfigMap("before-0");
  EXPECT_TRUE(mirror_.WaitFor(
      [&] { return mirror_.present_.size() == 19 && !mirror_.present_.contains("before-0"); }));
  reflector.Stop();
  EXPECT_THAT(mirror_.ever_, Not(Contains("unlabelled")));
  EXPECT_EQ(mirror_.lists_, 1);
  EXPECT_TRUE(mirror_.restarts_.empty());
  EXPECT_EQ(server_.stats().Snapshot().at({RequestKind{"list", "configmaps"}, "200"}), 4U);
}

TEST_F(WatchTest, SendsBookmarks) {
  std::string version;
  const auto end = Read("allowWatchBookmarks=true&timeoutSeconds=5", [&](const WatchEvent& event) {
    if (event.type == WatchEvent::Type::Bookmark) version = event.resource_version;
    return !version.empty();
  });
  EXPECT_TRUE(end) << end.error().message;
  EXPECT_NE(version, "");
}

TEST_F(WatchTest, AnAncientVersionIsGone) {
  // A server that has just started knows nothing older than its start
  server_.CreateConfigMap("a");
  server_.Kill();
  server_.Start();
  server_.CreateConfigMap("b");
  Status status;
  const auto end = Read("resourceVersion=1&timeoutSeconds=5", [&](const WatchEvent& event) {
    if (event.type == WatchEvent::Type::Error) status = event.status;
    return event.type == WatchEvent::Type::Error;
  });
  EXPECT_TRUE(end) << end.error().message;
  EXPECT_EQ(status.code, 410) << Describe(status);
}

TEST_F(WatchTest, ARestartedServerLosesNothing) {
  for (int i = 0; i < 20; ++i) server_.CreateConfigMap("old-" + std::to_string(i));
  Reflector reflector(server_.client(), ConfigMaps(), mirror_, 1);
  ASSERT_TRUE(mirror_.WaitFor([&] { return mirror_.present_.size() == 20; }));

  std::thread writer([&] {
    for (int i = 0; i < 200; ++i) {
      server_.CreateConfigMap("new-" + std::to_string(i));
      if (i < 20) server_.DeleteConfigMap("old-" + std::to_string(i));
    }
  });
  ASSERT_TRUE(mirror_.WaitFor([&] { return mirror_.ever_.size() > 30; }));
  server_.Kill();
  EXPECT_TRUE(mirror_.WaitFor([&] { return !mirror_.healthy_; }));
  server_.Start();
  writer.join();

  EXPECT_TRUE(mirror_.WaitFor([&] {
    return mirror_.present_.size() == 200 && !mirror_.present_.contains("old-19");
  })) << "lists: "
      << mirror_.lists_ << ", seen: " << mirror_.present_.size();
  EXPECT_TRUE(mirror_.WaitFor([&] { return mirror_.healthy_; }));
  reflector.Stop();
  EXPECT_GE(mirror_.restarts_[RestartReason::Failed], 1);
  EXPECT_EQ(mirror_.ever_.size(), 220U);
}

}  // namespace
}  // namespace imagebatch::kube
