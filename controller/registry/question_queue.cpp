#include "registry/question_queue.h"

#include <algorithm>
#include <utility>

#include "base/keep_sooner.h"

namespace imagebatch::registry {
namespace {

using std::chrono::seconds;

constexpr auto kInterval = std::chrono::milliseconds(1000) / QuestionQueue::kPerSecond;
constexpr auto kTolerance = kInterval * (QuestionQueue::kBurst - 1);
constexpr seconds kFirstPause(5), kLongestPause(60), kDenialStands(60);
constexpr size_t kMostDenials = 1000, kMostPaces = 1000;

std::string RepositoryOf(const ImagePlace& place) { return place.registry + "/" + place.repository; }

}  // namespace

void QuestionQueue::Add(Question question) {
  ImagePlace place = PlaceOf(question.image);
  Registry& registry = registries_[place.registry];
  const uint64_t sender = question.sender;
  registry.waiting.Put(sender, next_place_++, {std::move(question), std::move(place)});
}

/// One that is in trouble is asked by one question at a time.
bool QuestionQueue::MayAsk(const Registry& registry, SteadyTime now) {
  return registry.in_flight < (registry.trouble ? 1 : kConnections) && now >= registry.until;
}

std::optional<Answer> QuestionQueue::Known(const Registry& registry, const ImagePlace& place,
                                           SteadyTime now) const {
  if (registry.trouble && now < registry.until) {
    Answer answer = *registry.trouble;
    if (answer.kind == Answer::Kind::Throttled)
      answer.retry_after = std::max(std::chrono::ceil<seconds>(registry.until - now), seconds(1));
    return answer;
  }
  const auto denial = denied_.find(RepositoryOf(place));
  if (denial != denied_.end() && now < denial->second.until) return denial->second.answer;
  return std::nullopt;
}

std::optional<QuestionQueue::Ticket> QuestionQueue::Take(SteadyTime now) {
  auto at = registries_.upper_bound(last_);
  for (size_t i = 0; i < registries_.size(); ++i, ++at) {
    if (at == registries_.end()) at = registries_.begin();
    auto& [name, registry] = *at;
    if (registry.waiting.Empty()) continue;
    auto known = Known(registry, registry.waiting.First().place, now);
    if (!known && !MayAsk(registry, now)) continue;
    last_ = name;
    Waiting waiting = registry.waiting.Take();
    if (!known) ++registry.in_flight;
    return Ticket{std::move(waiting.question), std::move(waiting.place), std::move(known)};
  }
  return std::nullopt;
}

std::optional<SteadyTime> QuestionQueue::NextTake(SteadyTime now) const {
  std::optional<SteadyTime> next;
  for (const auto& [name, registry] : registries_) {
    if (registry.waiting.Empty()) continue;
    if (Known(registry, registry.waiting.First().place, now) || MayAsk(registry, now)) return now;
    if (now < registry.until) KeepSooner(next, registry.until);
  }
  return next;
}

void QuestionQueue::Finish(const Ticket& ticket, const Answer& answer, SteadyTime now) {
  Registry& registry = registries_[ticket.place.registry];
  --registry.in_flight;
  switch (answer.kind) {
    case Answer::Kind::There:
    case Answer::Kind::NotThere:
    case Answer::Kind::Denied:
      registry.trouble.reset();
      registry.failures = 0;
      registry.until = {};
      break;
    case Answer::Kind::Throttled:
      registry.trouble = answer;
      registry.until = std::max(registry.until, now + answer.retry_after);
      break;
    case Answer::Kind::Unreachable: {
      // Those that were under way with the first that failed are no further failures
      if (registry.trouble && now < registry.until) break;
      registry.trouble = answer;
      const int doublings = std::min(registry.failures++, 4);
      registry.until = now + std::min<seconds>(kFirstPause * (1 << doublings), kLongestPause);
      break;
    }
  }
  if (answer.kind == Answer::Kind::Denied) {
    std::erase_if(denied_, [&](const auto& denial) { return denial.second.until <= now; });
    if (denied_.size() < kMostDenials)
      denied_.insert_or_assign(RepositoryOf(ticket.place), Denial{answer, now + kDenialStands});
  }
  if (registry.waiting.Empty() && registry.in_flight == 0 && !registry.trouble)
    registries_.erase(ticket.place.registry);
}

std::optional<QuestionQueue::Ticket> QuestionQueue::Abandon() {
  for (auto& [name, registry] : registries_) {
    if (registry.waiting.Empty()) continue;
    Waiting waiting = registry.waiting.Take();
    return Ticket{std::move(waiting.question), std::move(waiting.place), std::nullopt};
  }
  return std::nullopt;
}

SteadyTime QuestionQueue::Reserve(const std::string& host, SteadyTime now) {
  if (paces_.size() >= kMostPaces)
    std::erase_if(paces_, [&](const auto& pace) { return pace.second <= now; });
  SteadyTime& whole = paces_[host];
  whole = std::max(whole, now);
  const SteadyTime at = std::max<SteadyTime>(now, whole - kTolerance);
  whole += kInterval;
  return at;
}

}  // namespace imagebatch::registry
