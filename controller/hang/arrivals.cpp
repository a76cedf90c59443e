#include "hang/arrivals.h"

#include <algorithm>
#include <utility>

namespace imagebatch::hang {
namespace {

constexpr int kStream = 3;      // arrivals
constexpr Duration kClock{20};  // the kernel's times come in steps of 10 ms at most

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
    const uint64_t sent = Grown(followed.before.sent, connection.sent);
    if (connection.exact) bytes_ += sent;
    followed.answered |= sent > 0;
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
  looked_ = now;
}

void Arrivals::Receive(TimePoint now, Followed& followed, const Connection& connection) {
  const uint64_t messages = Grown(followed.before.messages, connection.messages);
  Arrival arrival{.at = std::min(connection.last, now),
                  .blur = connection.blur,
                  .messages = std::max<uint64_t>(messages, 1),
                  .sure = connection.sure,
                  .answered = followed.answered};
  // It came before and was taken only now.
  if (arrival.at + kClock <= looked_) arrival.at = now;
  arrival.at = std::max(arrival.at, looked_);
  if (connection.received) {
    arrival.bytes = Grown(followed.before.received.value_or(0), *connection.received);
    if (*arrival.bytes == 0) return;
  } else if (messages == 0) {
    return;
  }
  followed.answered = false;
  bool news = false;
  if (followed.arrivals++ == 0) {
    if (answers_.size() >= kConnections) {
      for (const auto& [peer, answers] : answers_)
        last_news_ = std::max(last_news_, answers.LastNews().value_or(last_news_));
      answers_.clear();
    }
    news = answers_[connection.peer].Add(arrival);
    followed.first = arrival;
  } else {
    if (followed.first) {
      answers_[connection.peer].Forget(followed.first->at);
      followed.filter.Add(*std::exchange(followed.first, std::nullopt));
    }
    news = followed.filter.Add(arrival);
  }
  if (!news) return;
  bytes_ += arrival.bytes.value_or(0);
  if (followed.arrivals >= kStream) streamed_bytes_ += arrival.bytes.value_or(0);
}

TimePoint Arrivals::LastNews() const {
  TimePoint last = last_news_;
  for (const auto& [id, followed] : followed_)
    last = std::max(last, followed.filter.LastNews().value_or(last));
  for (const auto& [peer, answers] : answers_) last = std::max(last, answers.LastNews().value_or(last));
  return last;
}

void Arrivals::Move(std::chrono::steady_clock::duration by, TimePoint now) {
  last_news_ = std::min(last_news_ + by, now);
  for (auto& [id, followed] : followed_) {
    followed.filter.Move(by, now);
    if (followed.first) followed.first->at = std::min(followed.first->at + by, now);
  }
  for (auto& [peer, answers] : answers_) answers.Move(by, now);
}

}  // namespace imagebatch::hang
