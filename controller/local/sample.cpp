// What a scrape shows of the batch.
#include "cluster/objects/hang_classes.h"
#include "local/work.h"

namespace imagebatch::local {

metrics::BatchSample Work::Sample() const {
  metrics::BatchSample sample;
  sample.ns = batch_.ns;
  sample.name = batch_.name;
  for (const std::string_view class_name : cluster::kHangClasses)
    sample.hung_by_class[std::string(class_name)] = 0;
  ledger_.Fill(sample, flagged_);
  sample.working = static_cast<int64_t>(live_.size() - flagged_.builds().size());
  return sample;
}

}  // namespace imagebatch::local
