#include "runner/lifecycle.h"

#include <algorithm>
#include <utility>

#include "base/keep_sooner.h"

namespace imagebatch::runner {
namespace {

constexpr std::chrono::milliseconds kKillAgainAfter{50};
constexpr std::chrono::seconds kGiveUpAfter{10};

}  // namespace

void Lifecycle::OnTerminate(hang::TimePoint now) {
  if (!kill_at_) kill_at_ = now + grace_;
}

void Lifecycle::OnEndingSignal(hang::TimePoint now) {
  if (!command_ended_) return;
  told_to_end_ = true;
  Terminate(now);
}

void Lifecycle::OnGuardGone(hang::TimePoint now) {
  told_to_end_ = true;
  Kill(now);
}

void Lifecycle::OnHung(hang::TimePoint now) {
  hung_ = true;
  if (stage_ != Stage::Running) return;
  stage_ = Stage::Asking;
  until_ = now;
}

void Lifecycle::WaitForStacks(hang::TimePoint until) {
  if (stage_ == Stage::Asking) until_ = until;
}

void Lifecycle::OnCommandEnded(hang::TimePoint now) {
  command_ended_ = true;
  if (Ending()) return;
  const hang::TimePoint patience = kill_at_ ? now : now + grace_;
  until_ = stage_ == Stage::Asking ? std::min(until_, patience) : patience;
  stage_ = Stage::Leftovers;
}

void Lifecycle::Terminate(hang::TimePoint now) {
  if (Ending()) return;
  stage_ = Stage::Terminating;
  terminate_ = true;
  until_ = now + grace_;
  give_up_ = until_ + kGiveUpAfter;
}

/// Without a grace, or without what is left of it.
void Lifecycle::Kill(hang::TimePoint now) {
  if (Ending() && until_ <= now) return;
  if (!Ending() || give_up_ > now + kGiveUpAfter) give_up_ = now + kGiveUpAfter;
  stage_ = Stage::Killing;
  terminate_ = false;
  until_ = now;
}

Lifecycle::Order Lifecycle::Due(hang::TimePoint now, bool output_held) {
  if (stage_ == Stage::Asking && now >= until_) Terminate(now);
  if (stage_ == Stage::Leftovers && anybody_left_ && (!output_held || now >= until_)) Terminate(now);
  if (kill_at_ && now >= *kill_at_) {
    kill_at_.reset();
    Kill(now);
  }
  if (std::exchange(terminate_, false)) return Order::Terminate;
  if (!Ending() || now < until_) return Order::None;
  stage_ = Stage::Killing;
  until_ = now + kKillAgainAfter;
  return Order::Kill;
}

std::optional<hang::TimePoint> Lifecycle::Next() const {
  std::optional<hang::TimePoint> next = kill_at_;
  const bool waits = stage_ != Stage::Running && (stage_ != Stage::Leftovers || anybody_left_);
  if (waits) KeepSooner(next, until_);
  return next;
}

bool Lifecycle::Over(hang::TimePoint now, bool output_done) const {
  if (Ending() && now >= give_up_ && (anybody_left_ || told_to_end_ || hung_)) return true;
  return command_ended_ && !anybody_left_ && output_done;
}

}  // namespace imagebatch::runner
