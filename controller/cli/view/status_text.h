#pragma once
#include <cstddef>
#include <string>
#include <vector>

#include "base/time.h"
#include "cli/console.h"
#include "cli/view/batch_status.h"

namespace imagebatch::cli {

/// How text is shown.
struct Look {
  size_t columns = 100;  // of a line, at most
  bool colour = false;
};
Look LookOf(const Console& console);

/// The batches as `kubectl get ib` shows them; `wide`: with the columns of -o wide, `namespaces`: with
/// theirs.
std::string StatusTable(const std::vector<BatchStatus>& batches, bool wide, bool namespaces, Time now);

/// One batch in detail: state, progress, estimate, counts by stage, and the builds that hang, stall, are slow
/// or failed, each with what to look at next. At most `most` builds of each kind. Lines are cut to the width,
/// but for the first and for the commands, which people copy.
std::string StatusDetail(const BatchStatus& batch, const Look& look, Time now, size_t most = 5);

/// The same on one line: what a log of its progress shows.
std::string StatusLine(const BatchStatus& batch, Time now);

/// `[####------] 40%`, `width` characters between the brackets. A batch without builds is at 0 %.
std::string ProgressBar(const BuildCounts& counts, size_t width);

/// When it will be over, as far as is known: "ends about ... (in 8m; ...)". Empty where there is no estimate.
std::string EstimateText(const BatchStatus& batch, Time now);

/// What the batch says of its state, on one line: why it failed, what is degraded, which build hangs.
std::string WhyText(const BatchStatus& batch);

}  // namespace imagebatch::cli
