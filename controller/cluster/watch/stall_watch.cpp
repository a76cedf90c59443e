#include "cluster/watch/stall_watch.h"

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace imagebatch::cluster {
namespace {

using std::chrono::seconds;

/// How often a verdict's message is brought up to date: it may change with every node that comes or goes.
/// Events are asked for at longer and longer intervals, since each such list reads all of the namespace's.
constexpr seconds kRenew(60), kRenewAtMost(600);
/// A Job without a Pod may be held by a quota, which only its Events tell.
constexpr seconds kAskForPod(60);
constexpr size_t kMessageLimit = 512;

}  // namespace

void StallWatch::ForgetEvents() {
  event_.reset();
  answers_ = 0;
  renew_ = {};
}

bool StallWatch::Ask(Now now) {
  const bool ask = !reading_ && (answers_ == 0 || now.steady >= renew_);
  if (ask) {
    reading_ = true;
    RenewLater(now);
  }
  return ask;
}

void StallWatch::RenewLater(Now now) {
  renew_ = now.steady + std::min<Duration>(kRenew * (1 << std::min(answers_, 4)), kRenewAtMost);
}

bool StallWatch::Look(const JobView& job, const Rare<PodView>& pod, const Limits& limits, Now now) {
  const bool of_pod = pod && !pod->gone;
  const std::string& subject = of_pod ? pod->uid : job.uid;
  kind_ = of_pod ? EventKind::Pod : EventKind::Job;
  if (subject != subject_) {  // what was told of another is of no interest any more
    subject_ = subject;
    ForgetEvents();
  }
  const Standing before = std::exchange(state_, StateOf(job, pod, event_)).standing;
  if (before != state_.standing) ended_.reset();
  may_be_ended_ = over_ = false;
  next_.reset();
  const auto limit = LimitOf(state_.standing, limits, pod);
  switch (ProspectOf(state_.standing)) {
    case Prospect::Verdict:
      return LookAtVerdict(job, pod, limit, now);
    case Prospect::Held:
      return LookAtHeld(now);
    case Prospect::Progress:
      break;
    case Prospect::End:
      LookAtEnd(limit.value_or(seconds(0)), now);
      break;
  }
  verdict_.reset();
  ForgetEvents();
  return false;
}

bool StallWatch::LookAtHeld(Now now) {
  verdict_.reset();
  news_ = false;
  if (state_.standing != Standing::KeptBack) {
    ForgetEvents();
    return false;
  }
  const bool ask = Ask(now);  // another reason may have taken its place
  if (!reading_) next_ = renew_;
  return ask;
}

// Counted from when it was first seen here: nodes' clocks differ, and what is concluded early loses its log.
void StallWatch::LookAtEnd(Duration limit, Now now) {
  if (!ended_) ended_ = now.steady;
  over_ = now.steady >= *ended_ + limit;
  if (!over_) next_ = *ended_ + limit;
}

bool StallWatch::LookAtVerdict(const JobView& job, const Rare<PodView>& pod, std::optional<Duration> limit,
                               Now now) {
  const bool news = std::exchange(news_, false);
  const bool without_pod = state_.standing == Standing::WithoutPod;
  const Duration patience = without_pod ? std::min<Duration>(limit.value_or(kAskForPod), kAskForPod)
                                        : limit.value_or(Duration::max());
  const bool due = limit && now.wall >= state_.since + *limit;
  if (!due) {
    verdict_.reset();
    if (!without_pod) ForgetEvents();  // they were about the step before
    if (!limit && !without_pod) return false;
  }
  if (now.wall < state_.since + patience) {
    next_ = now.steady + (state_.since + patience - now.wall);
    return false;
  }
  std::optional<Stall> stall = FindStall(state_.standing, job, pod, event_);
  const bool by_event = stall->source != Source::Status;
  const bool ask = by_event && Ask(now);
  const bool renewed = by_event ? news : now.steady >= renew_;
  if (!by_event && renewed) renew_ = now.steady + kRenew;
  if (!reading_) next_ = renew_;
  const bool known = !by_event || answers_ > 0;  // else the answer brings the reason
  if (!due) {
    if (limit && !reading_) next_ = std::min(renew_, now.steady + (state_.since + *limit - now.wall));
    return ask;
  }
  if (known && (renewed || !verdict_ || verdict_->class_name != stall->class_name)) {
    verdict_ = Verdict{Verdict::Kind::Stall, std::string(stall->class_name), std::move(stall->reason),
                       std::move(stall->message), state_.since + *limit};
  }
  may_be_ended_ = known && MayBeEnded(*stall);
  return ask;
}

std::string StallWatch::HeldBy() const {
  if (state_.phase != plan::Phase::Held) return {};
  if (state_.standing == Standing::KeptBack) return Printable(event_->message, kMessageLimit);
  return state_.standing == Standing::Gated ? "its Pod has a scheduling gate" : "its Job is suspended";
}

void StallWatch::OnEvents(const std::string& of, const EventsAnswer& answer, Now now) {
  const bool asked = std::exchange(reading_, false);
  if (of != subject_) return;
  if (!asked) RenewLater(now);
  ++answers_;
  news_ = true;
  if (answer.known) event_ = answer.event;
}

}  // namespace imagebatch::cluster
