#include "runner/ending.h"

#include <signal.h>

namespace imagebatch::runner {
namespace {

constexpr std::chrono::milliseconds kKillAgainAfter{50};
constexpr std::chrono::seconds kGiveUpAfter{10};

}  // namespace

void TreeEnding::Begin(hang::TimePoint now) {
  if (begun_) return;
  begun_ = true;
  next_step_ = now + grace_;
  give_up_ = next_step_ + kGiveUpAfter;
  tree_.Signal(SIGTERM);
  tree_.Signal(SIGCONT);  // a stopped process acts on SIGTERM only once it goes on
}

void TreeEnding::Kill(hang::TimePoint now) {
  if (begun_ && next_step_ <= now) return;
  if (!begun_ || give_up_ > now + kGiveUpAfter) give_up_ = now + kGiveUpAfter;
  begun_ = true;
  next_step_ = now;
}

void TreeEnding::Advance(hang::TimePoint now) {
  if (!begun_ || now < next_step_) return;
  tree_.Signal(SIGKILL);
  next_step_ = now + kKillAgainAfter;
}

}  // namespace imagebatch::runner
