// What a scrape shows of a batch.
#include "cluster/control/batch_control.h"
#include "cluster/objects/hang_classes.h"
#include "cluster/watch/stall.h"

namespace imagebatch::cluster {

metrics::BatchSample BatchControl::Sample() const {
  metrics::BatchSample sample;
  sample.ns = batch_.ns;
  sample.name = batch_.name;
  for (const std::string_view class_name : kHangClasses) sample.hung_by_class[std::string(class_name)] = 0;
  for (const std::string_view class_name : kStallClasses)
    sample.stalled_by_class[std::string(class_name)] = 0;
  if (work_) {
    work_->Fill(sample);
    if (salvaged_) sample.end.reset();
  } else if (shown_) {
    sample.stages = shown_->stages;
    sample.hangs = shown_->hangs;
    sample.working = shown_->working;
  }
  sample.completion = completion_;
  for (const nlohmann::json& condition : conditions_)
    sample.conditions.emplace_back(condition.value("type", ""), condition.value("status", "") == "True");
  for (const auto& [purpose, since] : channel_.FailingSince())
    sample.failing_since[std::string(Name(purpose))] = since;
  if (completion_ && stepped_ >= *completion_ + kShownWhole) {
    for (metrics::StageCounts& stage : sample.stages) stage.slow.reset();
    sample.hung_by_class.clear();
    sample.stalled_by_class.clear();
    sample.hangs.clear();
    sample.working.reset();
    return sample;
  }
  sample.start = start_;
  sample.last_progress = last_progress_;
  sample.suspended = batch_.suspend;
  sample.results_waiting = static_cast<int64_t>(results_.waiting());
  sample.deadline = Deadline();
  return sample;
}

}  // namespace imagebatch::cluster
