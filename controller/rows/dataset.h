#pragma once
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "kube/transport.h"
#include "rows/records.h"

namespace imagebatch::rows {

/// One split of a data set, as the datasets server of Hugging Face names it.
struct DatasetSplit {
  std::string dataset, config, split;  // config and split may be empty: the only one that there is
};

/// What a fetch needs from outside.
struct FetchTools {
  kube::HttpTransport& transport;  // to the server
  std::function<void(Duration)> wait;
  std::function<double()> random;  // from 0 to 1, for back-off with jitter
  std::function<void(size_t done, size_t total)> progress;
  std::function<void(const std::string& why, Duration wait)> retrying;
};

/// All rows of a split in their order, of each only the `columns`, page by page
/// (https://huggingface.co/docs/dataset-viewer/rows). A request that fails with 429 or 5xx, or gets no reply,
/// is tried again, at most 8 times; a Retry-After of up to 5 minutes is kept to. Fails where a value was cut
/// short by the server, where a page has other rows than were asked for, and where the server has only a part
/// of the split.
Result<std::vector<Record>> FetchRecords(const DatasetSplit& wanted, const Columns& columns,
                                         const FetchTools& tools);

}  // namespace imagebatch::rows
