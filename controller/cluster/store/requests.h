#pragma once
#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "cluster/objects/views.h"
#include "cluster/store/purpose.h"
#include "cluster/store/troubles.h"

namespace imagebatch::cluster {

/// A request to be sent, under the number its reply comes back with.
struct Command {
  uint64_t id = 0;
  Purpose purpose{};
  kube::Request request;
};

/// The requests under way, and who waits for their replies. Belongs to the one thread that owns the state:
/// sending only notes the request; the owner of the thread takes the notes and has them sent elsewhere.
class Requests {
 public:
  using Handler = std::function<void(const Result<kube::Response>&, Now)>;

  /// `owner` is compared only: Drop(owner) makes all its handlers forgotten, and owners take turns on the
  /// wire. `handler` may be empty, where the outcome changes nothing.
  void Send(const void* owner, Errand errand, kube::Request request, Handler handler) {
    request.sender = reinterpret_cast<uintptr_t>(owner);
    if (const auto troubles = troubles_.find(owner); troubles != troubles_.end())
      troubles->second.Sent(errand);
    commands_.push_back({++last_id_, errand.purpose, std::move(request)});
    waiting_.emplace(last_id_, Waiting{owner, std::move(errand), std::move(handler)});
  }

  /// Returns the owner of the request; null where it has gone.
  const void* Deliver(uint64_t id, const Result<kube::Response>& response, Now now) {
    const auto at = waiting_.find(id);
    if (at == waiting_.end()) return nullptr;
    const void* owner = at->second.owner;
    const Errand errand = std::move(at->second.errand);
    const Handler handler = std::move(at->second.handler);  // it may send again
    waiting_.erase(at);
    Note(owner, errand, response, now);
    if (handler) handler(response, now);
    return owner;
  }

  /// What fails of the owner's requests; null: nothing ever has.
  Troubles* TroublesOf(const void* owner) {
    const auto at = troubles_.find(owner);
    return at == troubles_.end() ? nullptr : &at->second;
  }
  Troubles& MakeTroubles(const void* owner) { return troubles_[owner]; }

  /// The namespace of the owner is being deleted, or is gone: nothing can be created there any more, and
  /// nobody is told that it cannot.
  bool NamespaceEnding(const void* owner) const { return ending_.contains(owner); }

  /// Of each purpose that fails for the owner: since when, by the subject that has failed for longest.
  std::map<Purpose, Time> FailingSince(const void* owner) const;

  /// A reply is still to come.
  bool Waits(const void* owner) const {
    return std::any_of(waiting_.begin(), waiting_.end(),
                       [&](const auto& entry) { return entry.second.owner == owner; });
  }

  void Drop(const void* owner) {
    troubles_.erase(owner);
    ending_.erase(owner);
    std::erase_if(waiting_, [&](const auto& entry) { return entry.second.owner == owner; });
  }

  std::vector<Command> Take() { return std::exchange(commands_, {}); }

 private:
  struct Waiting {
    const void* owner;
    Errand errand;
    Handler handler;
  };
  void Note(const void* owner, const Errand& errand, const Result<kube::Response>& response, Now now);
  void NoteAccount(const Result<kube::Response>& response, Now now);

  std::unordered_map<uint64_t, Waiting> waiting_;
  std::unordered_map<const void*, Troubles> troubles_;
  std::unordered_set<const void*> ending_;
  std::vector<Command> commands_;
  std::optional<SteadyTime> unaccepted_since_;  // our token
  SteadyTime unaccepted_{};                     // last
  uint64_t last_id_ = 0;
};

}  // namespace imagebatch::cluster
