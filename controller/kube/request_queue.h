#pragma once
#include <cstdint>
#include <map>
#include <optional>

#include "kube/flow_control.h"
#include "kube/transport.h"

namespace imagebatch::kube {

/// The requests that wait to be sent, and the rule when the next one may go. First come, first served: one
/// that was refused keeps its place and is sent again before all that came after it, as soon as its backoff
/// is over. Pure: time is passed in.
class RequestQueue {
 public:
  RequestQueue(int max_in_flight, uint64_t seed) : flow_(max_in_flight, seed) {}

  /// A request on its way through the queue.
  struct Ticket {
    uint64_t id = 0;  // the caller's
    Request request;
    uint64_t place = 0;  // order of arrival
    int refusals = 0;
    SteadyTime sent;
  };

  void Add(uint64_t id, Request request);
  /// The request to send now, if there is one.
  std::optional<Ticket> Take(SteadyTime now);
  /// When Take may have a request by the passing of time alone; nothing: not before Add or Finish.
  std::optional<SteadyTime> NextTake() const;
  /// The reply to a request that was taken. True: it is for the caller. False: refused with 429 or 503 and
  /// queued again.
  bool Finish(Ticket&& ticket, const Result<Response>& result, SteadyTime now);
  /// Takes one out that was never sent or waits to be sent again, to give it up.
  std::optional<Ticket> Abandon();

  /// Nothing waits and nothing is on the wire.
  bool Empty() const { return in_flight_ == 0 && ready_.empty() && delayed_.empty(); }
  int Limit() const { return flow_.Limit(); }

 private:
  FlowControl flow_;
  uint64_t next_place_ = 0;
  int in_flight_ = 0;
  std::map<uint64_t, Ticket> ready_;           // by place
  std::multimap<SteadyTime, Ticket> delayed_;  // by when they may be sent again
};

}  // namespace imagebatch::kube
