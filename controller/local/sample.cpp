// What a scrape shows of the batch.
#include "cluster/objects/hang_classes.h"
#include "local/work.h"

namespace imagebatch::local {

using cluster::Verdict;
using plan::State;

metrics::BatchSample Work::Sample() const {
  metrics::BatchSample sample;
  sample.ns = batch_.ns;
  sample.name = batch_.name;
  for (size_t stage = 0; stage < batch_.stages.size(); ++stage) {
    const plan::Counts& counts = plan_.counts(stage);
    sample.stages.push_back({batch_.stages[stage].name, counts[State::Waiting], counts[State::Queued],
                             counts[State::Held], counts[State::Pending], counts[State::Running],
                             counts[State::Succeeded], counts[State::Skipped], counts[State::Failed],
                             forecast_.slow(stage)});
  }
  for (const std::string_view class_name : cluster::kHangClasses)
    sample.hung_by_class[std::string(class_name)] = 0;
  for (const auto& [name, count] : flagged_.by_class(Verdict::Kind::Hang)) sample.hung_by_class[name] = count;
  sample.hangs = hangs_.total();
  sample.working = static_cast<int64_t>(live_.size() - flagged_.builds().size());
  const cluster::Summary summary = Look();
  for (const cluster::FlaggedEntry& hung : summary.hung_builds) {
    sample.hung.push_back(
        {hung.stage, hung.name, hung.class_name, hung.alike.fingerprint, hung.pod, hung.node, hung.since});
  }
  for (const cluster::HangGroup& group : summary.hang_groups) {
    sample.hang_groups.push_back(
        {group.class_name, group.alike.fingerprint, group.alike.summary, group.hanging});
  }
  if (summary.end)
    sample.end = metrics::EndEstimate{summary.end->earliest, summary.end->likely, summary.end->latest};
  return sample;
}

}  // namespace imagebatch::local
