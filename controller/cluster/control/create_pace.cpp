#include "cluster/control/create_pace.h"

#include <algorithm>

namespace imagebatch::cluster {
namespace {

constexpr std::chrono::seconds kPause(1);

}  // namespace

void CreatePace::Wait(const std::string& name, size_t stage) {
  const auto [at, added] = places_.try_emplace(name, stage, last_number_ + 1);
  if (!added) return;
  ++last_number_;
  waiting_.emplace(at->second, name);
}

void CreatePace::Leave(const std::string& name) {
  const auto at = places_.find(name);
  if (at == places_.end()) return;
  waiting_.erase(at->second);
  places_.erase(at);
}

// Those under way when one was refused have their answers before another is sent.
size_t CreatePace::Room(SteadyTime now) const {
  if (!allowed_) return 0;
  if (probing_) return under_way_ == 0 && now >= next_ ? 1 : 0;
  return window_ - std::min(window_, under_way_);
}

std::vector<std::string> CreatePace::Take(SteadyTime now) {
  std::vector<std::string> taken;
  for (size_t room = Room(now); room > 0 && !waiting_.empty(); --room) {
    auto first = waiting_.lower_bound({turn_, 0});
    if (first == waiting_.end()) first = waiting_.begin();
    turn_ = first->first.first;
    places_.erase(first->second);
    taken.push_back(std::move(first->second));
    waiting_.erase(first);
  }
  under_way_ += taken.size();
  probe_sent_ = probe_sent_ || (probing_ && !taken.empty());
  return taken;
}

void CreatePace::Answered(Sign sign, SteadyTime now) {
  --under_way_;
  // What was under way when another was refused tells of the time before that
  const bool news = !probing_ || std::exchange(probe_sent_, false);
  switch (sign) {
    case Sign::None:
      return;
    case Sign::Works:
      if (!news) return;
      window_ = std::min(window_ + 1, kMost);
      probing_ = held_ = false;
      return backoff_.Succeeded();
    case Sign::Quota:
      held_ = true;
      break;
    case Sign::Fails:
      break;
  }
  if (news) Close(now);
}

void CreatePace::Close(SteadyTime now) {
  probing_ = true;
  window_ = 1;
  ++turn_;
  next_ = now + kPause;
  if (!held_) return;
  backoff_.Failed(now);
  next_ = backoff_.next();
}

std::vector<std::string> CreatePace::Waiting() const {
  std::vector<std::string> names;
  names.reserve(waiting_.size());
  for (const auto& [place, name] : waiting_) names.push_back(name);
  return names;
}

std::optional<SteadyTime> CreatePace::Next() const {
  if (!allowed_ || waiting_.empty() || !probing_ || under_way_ > 0) return std::nullopt;
  return next_;
}

}  // namespace imagebatch::cluster
