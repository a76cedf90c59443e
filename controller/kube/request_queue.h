#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "kube/flow_control.h"
#include "kube/silent_nodes.h"
#include "kube/transport.h"
#include "kube/turns.h"

namespace imagebatch::kube {

/// The requests that wait to be sent, and the rule when the next one may go. Each lane has connections and a
/// flow control of its own. Within a lane senders take turns, and each is served first come, first served: a
/// request that was refused keeps its place and is sent again before all of its sender that came after it, as
/// soon as its backoff is over. Pure: time is passed in.
class RequestQueue {
 public:
  /// On the wire at once besides those of Main.
  static constexpr int kEvents = 1, kLogs = 4;
  /// What the replies to all reads of logs on the wire may bring together, in bytes; one that may bring more
  /// goes alone.
  static constexpr size_t kLogBytes = 24 << 20;

  /// `max_in_flight`: of the lane Main.
  RequestQueue(int max_in_flight, uint64_t seed);

  /// A request on its way through the queue.
  struct Ticket {
    uint64_t id = 0;  // the caller's
    Request request;
    uint64_t place = 0;  // order of arrival
    int refusals = 0;
    SteadyTime sent;
    bool probe = false;       // of a node that is silent
    std::string turned_away;  // not empty: why it is not to be sent; Finish is not called for it
  };

  void Add(uint64_t id, Request request);
  /// The request to send now, or to give back to the caller now, if there is one.
  std::optional<Ticket> Take(SteadyTime now);
  /// When Take may have a request by the passing of time alone; nothing: not before Add or Finish.
  std::optional<SteadyTime> NextTake() const;
  /// The reply to a request that was taken. True: it is for the caller. False: refused with 429 or 503 and
  /// queued again. A refused read of a log is for the caller, who asks again by itself if it still wants to
  /// know.
  bool Finish(Ticket&& ticket, const Result<Response>& result, SteadyTime now);
  /// Takes one out that was never sent or waits to be sent again, to give it up.
  std::optional<Ticket> Abandon();

  /// Nothing waits and nothing is on the wire.
  bool Empty() const;
  int Limit(Lane lane = Lane::Main) const { return Of(lane).flow.Limit(); }

 private:
  struct Waiting {
    FlowControl flow;
    size_t most_bytes;  // of the replies to what is on the wire, together
    int in_flight = 0;
    size_t bytes = 0;  // that they may have
    Turns<Ticket> ready;
    std::multimap<SteadyTime, Ticket> delayed;  // by when they may be sent again
  };

  Waiting& Of(Lane lane) { return lanes_[static_cast<size_t>(lane)]; }
  const Waiting& Of(Lane lane) const { return lanes_[static_cast<size_t>(lane)]; }
  static std::optional<Ticket> Take(Waiting& lane, SteadyTime now);
  static std::optional<SteadyTime> NextTake(const Waiting& lane);
  static bool HasRoom(const Waiting& lane);
  void NoteNode(const Ticket& ticket, const Result<Response>& result, SteadyTime now);

  std::array<Waiting, 3> lanes_;  // by Lane; the first that may send goes first
  SilentNodes silent_;
  uint64_t next_place_ = 0;
};

}  // namespace imagebatch::kube
