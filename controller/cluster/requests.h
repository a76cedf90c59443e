#pragma once
#include <cstdint>
#include <functional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "cluster/views.h"

namespace imagebatch::cluster {

/// A request to be sent, under the number its reply comes back with.
struct Command {
  uint64_t id = 0;
  kube::Request request;
};

/// The requests under way, and who waits for their replies. Belongs to the one thread that owns the state:
/// sending only notes the request; the owner of the thread takes the notes and has them sent elsewhere.
class Requests {
 public:
  using Handler = std::function<void(const Result<kube::Response>&, Now)>;

  /// `owner` is compared only: Drop(owner) makes all its handlers forgotten.
  void Send(const void* owner, kube::Request request, Handler handler) {
    waiting_.emplace(++last_id_, Waiting{owner, std::move(handler)});
    commands_.push_back({last_id_, std::move(request)});
  }

  /// For requests whose outcome changes nothing (Events).
  void SendAndForget(kube::Request request) { commands_.push_back({++last_id_, std::move(request)}); }

  /// Returns the owner of the request; null where nobody waits for the reply.
  const void* Deliver(uint64_t id, const Result<kube::Response>& response, Now now) {
    const auto at = waiting_.find(id);
    if (at == waiting_.end()) return nullptr;
    const void* owner = at->second.owner;
    const Handler handler = std::move(at->second.handler);  // it may send again
    waiting_.erase(at);
    handler(response, now);
    return owner;
  }

  void Drop(const void* owner) {
    std::erase_if(waiting_, [&](const auto& entry) { return entry.second.owner == owner; });
  }

  std::vector<Command> Take() { return std::exchange(commands_, {}); }

 private:
  struct Waiting {
    const void* owner;
    Handler handler;
  };
  std::unordered_map<uint64_t, Waiting> waiting_;
  std::vector<Command> commands_;
  uint64_t last_id_ = 0;
};

/// When to try again after failures in a row: 1 s, doubled to 30 s; a success resets it.
class Backoff {
 public:
  void Failed(SteadyTime now) {
    next_ = now + delay_;
    delay_ = std::min<Duration>(delay_ * 2, std::chrono::seconds(30));
  }
  void Succeeded() { *this = Backoff(); }
  bool Due(SteadyTime now) const { return now >= next_; }
  SteadyTime next() const { return next_; }

 private:
  SteadyTime next_{};
  Duration delay_ = std::chrono::seconds(1);
};

/// Success by the status code.
inline bool Ok(const Result<kube::Response>& response) { return response && response->status / 100 == 2; }
inline bool HasStatus(const Result<kube::Response>& response, int status) {
  return response && response->status == status;
}

/// The reason a request failed, for people: the API server's own message where it gave one; printable,
/// bounded.
std::string ErrorMessage(const Result<kube::Response>& response);

}  // namespace imagebatch::cluster
