#include "kube/request_queue.h"

#include <algorithm>
#include <utility>

namespace imagebatch::kube {

void RequestQueue::Add(uint64_t id, Request request) {
  const uint64_t place = next_place_++;
  ready_.emplace(place, Ticket{.id = id, .request = std::move(request), .place = place, .sent = {}});
}

std::optional<RequestQueue::Ticket> RequestQueue::Take(SteadyTime now) {
  if (in_flight_ >= flow_.Limit() || now < flow_.PausedUntil()) return std::nullopt;
  while (!delayed_.empty() && delayed_.begin()->first <= now) {
    Ticket& due = delayed_.begin()->second;
    ready_.emplace(due.place, std::move(due));
    delayed_.erase(delayed_.begin());
  }
  if (ready_.empty()) return std::nullopt;
  Ticket ticket = std::move(ready_.begin()->second);
  ready_.erase(ready_.begin());
  ticket.sent = now;
  ++in_flight_;
  return ticket;
}

std::optional<SteadyTime> RequestQueue::NextTake() const {
  if (in_flight_ >= flow_.Limit() || (ready_.empty() && delayed_.empty())) return std::nullopt;
  const SteadyTime ready = ready_.empty() ? delayed_.begin()->first : SteadyTime::min();
  return std::max(ready, flow_.PausedUntil());
}

bool RequestQueue::Finish(Ticket&& ticket, const Result<Response>& result, SteadyTime now) {
  --in_flight_;
  if (!result) {
    flow_.OnNoAnswer(ticket.sent, now);
    return true;
  }
  if (result->status != 429 && result->status != 503) {
    flow_.OnAnswer(ticket.sent);
    return true;
  }
  ++ticket.refusals;
  const SteadyTime again = flow_.OnRefusal(ticket.sent, now, ticket.refusals, result->retry_after);
  delayed_.emplace(again, std::move(ticket));
  return false;
}

std::optional<RequestQueue::Ticket> RequestQueue::Abandon() {
  if (!ready_.empty()) return std::move(ready_.extract(ready_.begin()).mapped());
  if (!delayed_.empty()) return std::move(delayed_.extract(delayed_.begin()).mapped());
  return std::nullopt;
}

}  // namespace imagebatch::kube
