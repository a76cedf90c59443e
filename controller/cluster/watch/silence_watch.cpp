#include "cluster/watch/silence_watch.h"

#include <algorithm>

#include "base/text.h"
#include "cluster/objects/hang_classes.h"
#include "cluster/objects/log_lines.h"

namespace imagebatch::cluster {
namespace {

using std::chrono::seconds;

// A silent build is looked at so often whether it prints again; after a failed read too
constexpr seconds kAgain(60);
constexpr int kUnreadable = 2;
constexpr size_t kMessageLimit = 512;

}  // namespace

bool SilenceWatch::Look(const PodView& pod, seconds limit, Now now) {
  const bool running = pod.build && pod.build->state == ContainerView::State::Running && !pod.deleting;
  if (!running || limit == seconds(0)) {
    next_.reset();
    // The verdict of a build that has ended stands until its outcome is known
    if (running) verdict_.reset();
    return false;
  }
  if (!next_ || limit != limit_) {
    limit_ = limit;
    last_ = std::max(last_, pod.build->started);
    next_ = now.steady + std::max<Duration>(last_ + limit - now.wall, Duration(0));
  }
  if (reading_ || now.steady < *next_) return false;
  reading_ = true;
  return true;
}

void SilenceWatch::OnLine(const Result<std::string>& log, Now now) {
  reading_ = false;
  if (!next_) return;  // it has ended in the meantime
  next_ = now.steady + kAgain;
  failures_ = log ? 0 : failures_ + 1;
  if (!log && failures_ < kUnreadable) return;
  if (log) {
    answered_ = true;
    std::string_view rest = *log;
    if (const auto line = TakeLine(rest)) last_ = std::max(last_, line->time);
  }
  const bool was_silent = verdict_.has_value();
  if (log && now.wall < last_ + limit_) {
    next_ = now.steady + (last_ + limit_ - now.wall);
    verdict_.reset();
    return;
  }
  const std::string reason = log ? "LogSilence" : "LogUnreadable";
  if (was_silent && verdict_->reason == reason) return;
  const auto silent = std::chrono::duration_cast<seconds>(now.wall - last_);
  const std::string message =
      log ? "it has no runner, and has printed nothing for " + std::to_string(silent.count()) + " s"
          : "it has no runner, and its log cannot be read: " + log.error().message;
  verdict_ = Verdict{Verdict::Kind::Hang,
                     std::string(kUnobservedClass),
                     reason,
                     Printable(message, kMessageLimit),
                     was_silent ? verdict_->since : last_ + limit_,
                     AlikeByReason(kUnobservedClass, reason)};
}

std::optional<SteadyTime> SilenceWatch::Next() const { return reading_ ? std::nullopt : next_; }

}  // namespace imagebatch::cluster
