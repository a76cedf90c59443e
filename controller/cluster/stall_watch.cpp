#include "cluster/stall_watch.h"

#include <utility>

namespace imagebatch::cluster {
namespace {

/// How often a verdict's message is brought up to date: it may change with every node that comes or goes.
constexpr std::chrono::seconds kRenew(60);

}  // namespace

bool StallWatch::Look(const JobView& job, const std::optional<PodView>& pod, Duration limit, Now now) {
  if (pod && !had_pod_) {  // what the Job's Events told is of no interest any more
    had_pod_ = true;
    event_.reset();
    read_ = false;
  }
  std::optional<Stall> stall = FindStall(job, pod, event_);
  // A Job whose one Pod is gone is about to fail: a new Pod is nothing to wait for
  if ((!pod && had_pod_) || limit <= Duration(0)) stall.reset();
  const bool news = std::exchange(news_, false);
  may_be_ended_ = false;
  next_.reset();
  if (!stall || now.wall < stall->since + limit) {
    verdict_.reset();
    event_.reset();
    read_ = false;
    if (stall) next_ = now.steady + (stall->since + limit - now.wall);
    return false;
  }
  const bool by_event = stall->source != Source::Status;
  const bool ask = by_event && !reading_ && (!read_ || now.steady >= renew_);
  reading_ = reading_ || ask;
  const bool known = !by_event || read_;  // else the answer brings the reason
  const bool renewed = by_event ? news : now.steady >= renew_;
  if (ask || renewed) renew_ = now.steady + kRenew;
  if (known && (renewed || !verdict_ || verdict_->klass != stall->klass)) {
    verdict_ = HangVerdict{std::string(stall->klass), std::move(stall->reason), std::move(stall->message),
                           stall->since + limit};
  }
  may_be_ended_ = known && MayBeEnded(*stall);
  if (!reading_) next_ = renew_;
  return ask;
}

void StallWatch::OnEvents(const std::optional<std::string>& list) {
  reading_ = false;
  read_ = true;
  news_ = true;
  if (!list) return;
  if (auto event = FindTelling(*list)) event_ = std::move(event);
}

}  // namespace imagebatch::cluster
