#include "cli/view/waiting.h"

#include <algorithm>

#include "base/text.h"
#include "cli/view/status_text.h"

namespace imagebatch::cli {
namespace {

/// A class that the controller reports from outside. Such a build is flagged, never ended.
constexpr std::string_view kUnobserved = "Unobserved";

bool IsEnded(const BatchStatus& batch, const ListedBuild& build) {
  const auto& stages = batch.ending_stages;
  return build.class_name != kUnobserved &&
         std::find(stages.begin(), stages.end(), build.stage) != stages.end();
}

}  // namespace

Waiting Judge(const BatchStatus& batch, Time now) {
  if (!batch.current) return Waiting::GoesOn;
  if (batch.Condition("Failed").holds) return Waiting::Failed;
  if (batch.Condition("Complete").holds) return Waiting::Succeeded;
  const BuildCounts& counts = batch.counts;
  const bool others = counts.running > batch.hung || counts.pending > 0 || counts.held > 0;
  const bool stands_still = batch.progressed && now - *batch.progressed > kStandstill;
  const bool can_start =
      counts.queued > 0 && !batch.suspend && batch.hung < batch.parallelism && !stands_still;
  if (batch.hung == 0 || others || can_start) return Waiting::GoesOn;
  const bool ended = std::any_of(batch.hung_builds.begin(), batch.hung_builds.end(),
                                 [&](const ListedBuild& build) { return IsEnded(batch, build); });
  return ended ? Waiting::GoesOn : Waiting::Hung;
}

std::string EndText(const BatchStatus& batch, Waiting outcome) {
  constexpr size_t kMost = 1000;
  std::string text = batch.name + ": ";
  switch (outcome) {
    case Waiting::GoesOn:
      return StatusLine(batch, Time{});
    case Waiting::Succeeded:
      text += batch.Condition("Complete").message;
      break;
    case Waiting::Failed:
      text += "failed: " + batch.Condition("Failed").reason + ": " + batch.Condition("Failed").message;
      break;
    case Waiting::Hung:
      text += "hung: " + batch.Condition("HungBuilds").message + "; only hung builds are left";
      break;
  }
  return Printable(text, kMost);
}

}  // namespace imagebatch::cli
