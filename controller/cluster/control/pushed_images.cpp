#include "cluster/control/pushed_images.h"

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace imagebatch::cluster {
namespace {

using Kind = registry::Answer::Kind;
using std::chrono::seconds;

constexpr seconds kGivenUp(300);
/// A registry of several servers may not show at once what was pushed to one of them.
constexpr int kAbsences = 3;
constexpr seconds kLookAgain(5);

}  // namespace

bool PushedImages::Known(const std::string& job, uint32_t build, Now now, std::function<void(Now)> answered) {
  Look& look = looks_[job];
  if (look.first == SteadyTime{}) look.first = now.steady;
  if (look.done) return true;
  if (look.under_way || (look.again && now.steady < *look.again)) return false;
  look.under_way = true;
  channel_.Ask({Purpose::AskRegistry, builds_.image(build)}, builds_.image(build),
               [this, job, answered = std::move(answered)](const registry::Answer& answer, Now then) {
                 const auto at = looks_.find(job);
                 if (at == looks_.end()) return;
                 Look& asked = at->second;
                 asked.under_way = false;
                 seconds pause = kLookAgain;
                 if (answer.kind == Kind::There) {
                   asked.digest = answer.digest;
                   asked.done = true;
                 } else if (answer.kind == Kind::NotThere) {
                   asked.done = ++asked.absences >= kAbsences;
                 } else {
                   if (answer.kind == Kind::Throttled) pause = answer.retry_after;
                   asked.done = then.steady + pause >= asked.first + kGivenUp;
                 }
                 asked.again = then.steady + pause;
                 answered(then);
               });
  return false;
}

std::optional<SteadyTime> PushedImages::Due(const std::string& job) const {
  const auto at = looks_.find(job);
  return at == looks_.end() || at->second.under_way || at->second.done ? std::nullopt : at->second.again;
}

void PushedImages::Take(const std::string& job, uint32_t build, Outcome& outcome) {
  const auto look = looks_.extract(job);
  if (look.empty() || !outcome.succeeded) return;
  outcome.digest = look.mapped().digest;
  if (look.mapped().absences < kAbsences) return;
  outcome.succeeded = false;
  outcome.cause = plan::Cause::Build;
  outcome.reason = "ImageNotPushed";
  outcome.message =
      Printable("it exited with 0, but the registry does not have " + std::string(builds_.image(build)), 512);
}

}  // namespace imagebatch::cluster
