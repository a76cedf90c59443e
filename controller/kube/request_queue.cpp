#include "kube/request_queue.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace imagebatch::kube {
namespace {

// An error that comes sooner holds nobody up, and says more about the API server than about a node
constexpr std::chrono::seconds kSlow(3);
constexpr size_t kUnbounded = std::numeric_limits<size_t>::max();

bool IsRefusal(const Response& response) { return response.status == 429 || response.status == 503; }

}  // namespace

RequestQueue::RequestQueue(int max_in_flight, uint64_t seed)
    : lanes_{Waiting{FlowControl(max_in_flight, seed), kUnbounded, 0, 0, {}, {}},
             Waiting{FlowControl(kEvents, seed + 1), kUnbounded, 0, 0, {}, {}},
             Waiting{FlowControl(kLogs, seed + 2), kLogBytes, 0, 0, {}, {}}} {}

void RequestQueue::Add(uint64_t id, Request request) {
  Waiting& lane = Of(request.lane);
  const uint64_t place = next_place_++, sender = request.sender;
  Ticket ticket;
  ticket.id = id;
  ticket.request = std::move(request);
  ticket.place = place;
  lane.ready.Put(sender, place, std::move(ticket));
}

std::optional<RequestQueue::Ticket> RequestQueue::Take(SteadyTime now) {
  for (Waiting& lane : lanes_) {
    auto ticket = Take(lane, now);
    if (!ticket) continue;
    const std::string& node = ticket->request.node;
    if (!node.empty() && silent_.IsSilent(node)) {
      if (!silent_.MayAsk(node, now)) {
        ticket->turned_away = silent_.Reason(node, now);
        return ticket;
      }
      ticket->probe = true;
      silent_.Probe();
    }
    ticket->sent = now;
    ++lane.in_flight;
    lane.bytes += ticket->request.most_bytes;
    return ticket;
  }
  return std::nullopt;
}

std::optional<RequestQueue::Ticket> RequestQueue::Take(Waiting& lane, SteadyTime now) {
  if (lane.in_flight >= lane.flow.Limit() || now < lane.flow.PausedUntil()) return std::nullopt;
  while (!lane.delayed.empty() && lane.delayed.begin()->first <= now) {
    Ticket& due = lane.delayed.begin()->second;
    const uint64_t sender = due.request.sender, place = due.place;
    lane.ready.Put(sender, place, std::move(due));
    lane.delayed.erase(lane.delayed.begin());
  }
  return lane.ready.Empty() || !HasRoom(lane) ? std::nullopt : std::optional(lane.ready.Take());
}

std::optional<SteadyTime> RequestQueue::NextTake() const {
  std::optional<SteadyTime> next;
  for (const Waiting& lane : lanes_) {
    const auto due = NextTake(lane);
    if (due && (!next || *due < *next)) next = due;
  }
  return next;
}

std::optional<SteadyTime> RequestQueue::NextTake(const Waiting& lane) {
  if (lane.in_flight >= lane.flow.Limit() || (lane.ready.Empty() && lane.delayed.empty()))
    return std::nullopt;
  if (!lane.ready.Empty() && !HasRoom(lane)) return std::nullopt;
  const SteadyTime ready = lane.ready.Empty() ? lane.delayed.begin()->first : SteadyTime::min();
  return std::max(ready, lane.flow.PausedUntil());
}

// Whether the one whose turn it is may go for what its reply may have. None overtakes it, or a large one
// would wait for ever.
bool RequestQueue::HasRoom(const Waiting& lane) {
  return lane.in_flight == 0 || lane.bytes + lane.ready.First().request.most_bytes <= lane.most_bytes;
}

bool RequestQueue::Finish(Ticket&& ticket, const Result<Response>& result, SteadyTime now) {
  const bool logs = ticket.request.lane == Lane::Logs;
  Waiting& lane = Of(ticket.request.lane);
  --lane.in_flight;
  lane.bytes -= ticket.request.most_bytes;
  if (logs) NoteNode(ticket, result, now);
  if (!result) {
    // A node that does not answer is no reason to ask others less
    if (!logs || now - ticket.sent < kSlow)
      lane.flow.OnNoAnswer(ticket.sent, now, ticket.request.method != Method::Get);
    return true;
  }
  if (!IsRefusal(*result)) {
    lane.flow.OnAnswer(ticket.sent);
    return true;
  }
  ++ticket.refusals;
  const SteadyTime again = lane.flow.OnRefusal(ticket.sent, now, ticket.refusals, result->retry_after);
  if (logs) return true;
  lane.delayed.emplace(again, std::move(ticket));
  return false;
}

void RequestQueue::NoteNode(const Ticket& ticket, const Result<Response>& result, SteadyTime now) {
  if (ticket.probe) silent_.ProbeEnded();
  const std::string& node = ticket.request.node;
  if (node.empty()) return;
  const bool failed = !result || result->status >= 500;
  if (!failed) return silent_.Answered(node);
  // What failed at once held no connection, but it does not show that the node answers either
  if (now - ticket.sent < kSlow && !ticket.probe) return;
  silent_.NoAnswer(node, result ? "HTTP " + std::to_string(result->status) : result.error().message, now);
}

std::optional<RequestQueue::Ticket> RequestQueue::Abandon() {
  for (Waiting& lane : lanes_) {
    if (!lane.ready.Empty()) return lane.ready.Take();
    if (!lane.delayed.empty()) return std::move(lane.delayed.extract(lane.delayed.begin()).mapped());
  }
  return std::nullopt;
}

bool RequestQueue::Empty() const {
  return std::all_of(lanes_.begin(), lanes_.end(), [](const Waiting& lane) {
    return lane.in_flight == 0 && lane.ready.Empty() && lane.delayed.empty();
  });
}

}  // namespace imagebatch::kube
