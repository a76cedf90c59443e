#include "hang/arrivals.h"

#include <algorithm>

namespace imagebatch::hang {
namespace {

constexpr int kStream = 3;  // arrivals

uint64_t Grown(uint64_t before, uint64_t now) { return now - std::min(before, now); }

}  // namespace

void Arrivals::Add(TimePoint now, std::span<const Connection> connections) {
  for (auto& [id, followed] : followed_) followed.present = false;
  for (const Connection& connection : connections) {
    const auto known = followed_.find(connection.id);
    if (known == followed_.end()) {
      if (followed_.size() < kConnections)
        followed_[connection.id] = {.before = connection, .filter = {}, .present = true};
      continue;
    }
    Followed& followed = known->second;
    followed.present = true;
    bytes_ += Grown(followed.before.sent, connection.sent);
    Receive(now, followed, connection);
    followed.before = connection;
  }
  for (auto each = followed_.begin(); each != followed_.end();) {
    if (each->second.present) {
      ++each;
      continue;
    }
    last_news_ = std::max(last_news_, each->second.filter.LastNews().value_or(last_news_));
    each = followed_.erase(each);
  }
}

void Arrivals::Receive(TimePoint now, Followed& followed, const Connection& connection) {
  const uint64_t messages = Grown(followed.before.messages, connection.messages);
  Arrival arrival{.at = std::min(connection.last, now),
                  .blur = connection.blur,
                  .messages = std::max<uint64_t>(messages, 1),
                  .sure = connection.sure};
  if (connection.received) {
    arrival.bytes = Grown(followed.before.received.value_or(0), *connection.received);
    if (*arrival.bytes == 0) return;
  } else if (messages == 0) {
    return;
  }
  HeartbeatFilter* filter = &followed.filter;
  if (followed.arrivals++ == 0) {
    if (first_answers_.size() >= kConnections) {
      for (const auto& [peer, answers] : first_answers_)
        last_news_ = std::max(last_news_, answers.LastNews().value_or(last_news_));
      first_answers_.clear();
    }
    filter = &first_answers_[connection.peer];
  }
  if (!filter->Add(arrival)) return;
  bytes_ += arrival.bytes.value_or(0);
  if (followed.arrivals >= kStream) streamed_bytes_ += arrival.bytes.value_or(0);
}

TimePoint Arrivals::LastNews() const {
  TimePoint last = last_news_;
  for (const auto& [id, followed] : followed_)
    last = std::max(last, followed.filter.LastNews().value_or(last));
  for (const auto& [peer, answers] : first_answers_) last = std::max(last, answers.LastNews().value_or(last));
  return last;
}

void Arrivals::Move(std::chrono::steady_clock::duration by, TimePoint now) {
  last_news_ = std::min(last_news_ + by, now);
  for (auto& [id, followed] : followed_) followed.filter.Move(by, now);
  for (auto& [peer, answers] : first_answers_) answers.Move(by, now);
}

}  // namespace imagebatch::hang
