#include "cluster/watch/hang_watch.h"

#include <algorithm>

#include "base/text.h"
#include "cluster/objects/hang_classes.h"
#include "cluster/objects/job_object.h"
#include "cluster/objects/log_lines.h"

namespace imagebatch::cluster {
namespace {

using std::chrono::seconds;

constexpr seconds kProbePeriod(kProbePeriodSeconds);
constexpr seconds kFirstProbe = 2 * kProbePeriod;  // a container that has just started is not ready yet
constexpr seconds kUnobserved = 3 * kProbePeriod + seconds(30);
constexpr seconds kBefore(15);  // the verdict is older than the Pod's condition that it led to
constexpr seconds kReadAgain(5);
constexpr seconds kLookForChange(60);
constexpr size_t kMessageLimit = 512;

}  // namespace

std::optional<kube::Request> HangWatch::Look(const PodView& pod, seconds silent_after, Now now) {
  if (!pod.runner) return LookAtLine(pod, silent_after, now);
  const bool running =
      pod.build && pod.build->state == ContainerView::State::Running && pod.build->up && !pod.deleting;
  if (!running || pod.build->ready) {
    unready_since_.reset();
    // The verdict of a build that has ended stands until its outcome is known
    if (running) verdict_.reset();
    return std::nullopt;
  }
  if (!unready_since_) {
    unready_since_ = now.steady;
    search_.emplace(pod.marker, std::max(pod.ready_changed, pod.build->started) - kBefore);
    const bool never_ready = pod.ready_changed <= pod.build->started;
    next_read_ = never_ready ? now.steady + kFirstProbe : now.steady;
  }
  if (reading_ || now.steady < next_read_) return std::nullopt;
  reading_ = true;
  return search_->Next(pod);
}

std::optional<kube::Request> HangWatch::LookAtLine(const PodView& pod, seconds silent_after, Now now) {
  if (!silence_) silence_.emplace();
  if (!silence_->Look(pod, silent_after, now)) return std::nullopt;
  return LogRequest(pod, "tailLines=1", 64);  // the time stamp has 30 to 35
}

void HangWatch::OnLog(const Result<kube::Response>& log, Now now) {
  if (silence_)
    return silence_->OnLine(log ? Result<std::string>(log->body) : tl::unexpected(log.error()), now);
  reading_ = false;
  if (!unready_since_) return;  // ready again, or ended, in the meantime
  const bool more = log && search_->OnPiece(log->body, log->received);
  if (search_->found()) {
    next_read_ = now.steady + kLookForChange;
    verdict_ = search_->found()->verdict;
    return;
  }
  // What is behind a flood of output is looked for without a pause only until there is a verdict
  next_read_ = now.steady + (verdict_ ? kLookForChange : more ? seconds(0) : kReadAgain);
  if (now.steady < *unready_since_ + kUnobserved) return;
  const std::string reason = log ? "RunnerSilent" : "LogUnreadable";
  if (verdict_ && verdict_->reason == reason) return;
  const auto silent = std::chrono::duration_cast<seconds>(now.steady - *unready_since_);
  const std::string message =
      log ? "its runner has not reported for " + std::to_string(silent.count()) + " s"
          : "its runner does not report progress, and its log cannot be read: " + log.error().message;
  verdict_ = Verdict{Verdict::Kind::Hang,
                     std::string(kUnobservedClass),
                     reason,
                     Printable(message, kMessageLimit),
                     verdict_ ? verdict_->since : now.wall,
                     AlikeByReason(kUnobservedClass, reason)};
  next_read_ = now.steady + kLookForChange;
}

std::optional<SteadyTime> HangWatch::Next() const {
  if (silence_) return silence_->Next();
  return unready_since_ && !reading_ ? std::optional(next_read_) : std::nullopt;
}

}  // namespace imagebatch::cluster
