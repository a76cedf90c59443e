#include "cluster/hang_watch.h"

#include <algorithm>

#include "cluster/job_object.h"
#include "cluster/names.h"

namespace imagebatch::cluster {
namespace {

using std::chrono::seconds;

constexpr seconds kProbePeriod(kProbePeriodSeconds);
constexpr seconds kFirstProbe = 2 * kProbePeriod;  // a container that has just started is not ready yet
constexpr seconds kUnobserved = 3 * kProbePeriod + seconds(30);
constexpr seconds kReadAgain(5);

}  // namespace

HangWatch::Step HangWatch::Look(const PodView& pod, SteadyTime now) {
  Step step;
  const bool running = pod.build && pod.build->state == ContainerView::State::Running && !pod.deleting;
  if (!running || pod.build->ready) {
    unready_since_.reset();
    // The verdict of a build that has ended stands until its outcome is known
    step.changed = running && verdict_.has_value();
    if (step.changed) verdict_.reset();
    return step;
  }
  if (!unready_since_) {
    unready_since_ = now;
    const bool never_ready = pod.ready_changed <= pod.build->started;
    next_read_ = never_ready ? now + kFirstProbe : now;
  }
  const bool known = verdict_ && verdict_->klass != "Unobserved";
  step.read_log = !known && !reading_ && now >= next_read_;
  if (step.read_log) reading_ = true;
  return step;
}

bool HangWatch::OnLog(const std::optional<std::string>& log, SteadyTime now, Time wall) {
  reading_ = false;
  next_read_ = now + kReadAgain;
  if (!unready_since_) return false;  // ready again, or ended, in the meantime
  if (log) {
    if (auto found = FindVerdict(*log)) {
      verdict_ = std::move(found);
      return true;
    }
  }
  if (verdict_ || now < *unready_since_ + kUnobserved) return false;
  const auto silent = std::chrono::duration_cast<seconds>(now - *unready_since_);
  verdict_ = HangVerdict{"Unobserved",
                         "its runner has given no sign of life for " + std::to_string(silent.count()) + " s",
                         wall, ""};
  return true;
}

std::optional<SteadyTime> HangWatch::Next() const {
  const bool known = verdict_ && verdict_->klass != "Unobserved";
  if (!unready_since_ || reading_ || known) return std::nullopt;
  return next_read_;
}

kube::Request LogRequest(const PodView& pod) {
  constexpr seconds kBefore(15);
  const Time from = std::max(pod.ready_changed, pod.build->started) - kBefore;
  kube::Request request;
  request.path = PodsPath(pod.ns) + "/" + pod.name + "/log?container=" + pod.container +
                 "&sinceTime=" + FormatTime(from) + "&limitBytes=1048576";
  return request;
}

}  // namespace imagebatch::cluster
