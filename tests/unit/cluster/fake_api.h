#pragma once
#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "kube/transport.h"

namespace imagebatch::cluster {

/// An API server with nothing in it that can refuse what it is asked, for what runs on real threads.
class FakeApi final : public kube::HttpTransport {
 public:
  /// From now on all requests whose path has these words are refused; empty: none.
  void Refuse(const std::string& words) {
    const std::scoped_lock lock(mutex_);
    refused_ = words;
  }
  /// Sends a bookmark on every watch that is open.
  void Bookmark() {
    const std::scoped_lock lock(mutex_);
    ++bookmarks_;
    changed_.notify_all();
  }
  int open() const { return open_; }

  Result<kube::Response> Send(const kube::Request& request, std::chrono::milliseconds) override {
    if (IsRefused(request)) return kRefusal;
    kube::Response list;
    list.status = 200;
    list.body = R"({"metadata":{"resourceVersion":"1"},"items":[]})";
    return list;
  }

  Result<void> Stream(const kube::Request& request, std::chrono::milliseconds, const std::atomic<bool>& stop,
                      const std::function<bool(const kube::Response&)>& on_head,
                      const std::function<bool(std::string_view)>& on_data) override {
    const bool refused = IsRefused(request);
    kube::Response head;
    head.status = refused ? 403 : 200;
    if (!on_head(head)) return {};
    if (refused) {
      on_data(kRefusal.body);
      return {};
    }
    std::unique_lock lock(mutex_);
    ++open_;
    for (int sent = bookmarks_; !stop && !shut_down_;) {
      // As in a real transport, a stop is looked for every few milliseconds
      changed_.wait_for(lock, std::chrono::milliseconds(5));
      if (sent == bookmarks_) continue;
      sent = bookmarks_;
      lock.unlock();
      on_data(R"({"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"2"}}})"
              "\n");
      lock.lock();
    }
    --open_;
    return {};
  }

  void Shutdown() override { shut_down_ = true; }

 private:
  bool IsRefused(const kube::Request& request) const {
    const std::scoped_lock lock(mutex_);
    return !refused_.empty() && request.path.find(refused_) != std::string::npos;
  }

  const kube::Response kRefusal{
      403, R"({"kind":"Status","code":403,"reason":"Forbidden","message":"not allowed"})", {}, 0};
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::string refused_;
  int bookmarks_ = 0;
  std::atomic<int> open_ = 0;
  std::atomic<bool> shut_down_ = false;
};

/// True as soon as `condition` is; false where it is not within 30 s.
inline bool Eventually(const std::function<bool()>& condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

}  // namespace imagebatch::cluster
