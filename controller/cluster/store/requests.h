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

class Channel;

/// A request to be sent, under the number its reply comes back with.
struct Command {
  uint64_t id = 0;
  Purpose purpose{};
  kube::Request request;
};

/// The requests of all channels that are under way. Belongs to the one thread that owns the state:
/// sending only notes the request; the owner of the thread takes the notes and has them sent elsewhere.
class Requests {
 public:
  using Handler = std::function<void(const Result<kube::Response>&, Now)>;
  using AnswerHandler = std::function<void(const registry::Answer&, Now)>;

  void Send(const Channel& from, Errand errand, kube::Request request, Handler handler);
  /// Asks the registry of `image` whether it exists.
  void Ask(const Channel& from, Errand errand, std::string image, AnswerHandler handler);
  /// Of a channel that has gone, the reply is nobody's.
  void Deliver(uint64_t id, const Result<kube::Response>& response, Now now);
  void Deliver(uint64_t id, const registry::Answer& answer, Now now);
  /// The channel is about to go: its handlers are forgotten, and with a root all that is known of it.
  void Drop(const Channel& channel);
  /// A reply is still to come, to it or to one within it.
  bool Waits(const Channel& channel) const;

  // Of what is sent through a root and all within it: see Channel.
  Troubles* TroublesOf(const Channel& root);
  Troubles& MakeTroubles(const Channel& root) { return troubles_[&root]; }
  bool NamespaceEnding(const Channel& root) const { return ending_.contains(&root); }
  std::map<Purpose, Time> FailingSince(const Channel& root) const;

  std::vector<Command> Take() { return std::exchange(commands_, {}); }
  std::vector<registry::Question> TakeQuestions() { return std::exchange(questions_, {}); }

 private:
  struct Waiting {
    const Channel* from;
    Errand errand;
    Handler handler;
    AnswerHandler answer_handler{};
  };
  uint64_t Add(const Channel& from, const Errand& errand);
  void Note(const Channel& root, const Errand& errand, const Result<kube::Response>& response, Now now);
  void NoteTrouble(const Channel& root, const Errand& errand, const Result<kube::Response>& response,
                   Now now);
  void NoteAccount(const Result<kube::Response>& response, Now now);

  std::unordered_map<uint64_t, Waiting> waiting_;
  std::unordered_map<const Channel*, Troubles> troubles_;  // by roots
  std::unordered_set<const Channel*> ending_;              // roots
  std::vector<Command> commands_;
  std::vector<registry::Question> questions_;
  std::optional<SteadyTime> unaccepted_since_;  // our token
  SteadyTime unaccepted_{};                     // last
  uint64_t last_id_ = 0;
};

}  // namespace imagebatch::cluster
