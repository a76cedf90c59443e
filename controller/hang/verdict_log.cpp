#include "hang/verdict_log.h"

namespace imagebatch::hang {

void VerdictLog::Add(const Verdict& verdict) {
  if (!newest_.empty() && !newest_.back().until) newest_.back().until = verdict.since;
  if (!verdict.Hung()) return;
  if (newest_.size() == kNewest) newest_.erase(newest_.begin());
  newest_.push_back({verdict.finding->hang_class, verdict.since, std::nullopt});
  ++counts_[static_cast<size_t>(verdict.finding->hang_class)];
}

}  // namespace imagebatch::hang
