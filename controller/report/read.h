#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "report/attempt.h"

namespace imagebatch::report {

/// The largest text that is read as one JSON value.
inline constexpr size_t kMostJsonBytes = size_t{512} * 1024 * 1024;

struct Reading {
  Material material;
  /// What could not be read, each with its place: "line 12: ...". The rest was.
  std::vector<std::string> problems;
};

/// Reads results.jsonl (one result line each), or objects of the API server as JSON: an ImageBatchRecord, an
/// ImageBatch, or a List of them, as `kubectl get ibr -o json` prints it. Of objects, only those of one
/// batch: several are an error that says how to choose. A line that is cut off (a run was killed, the disk
/// was full) or is no result is one of `problems`; lone surrogates in texts become U+FFFD.
Result<Reading> ReadResults(std::string_view text);
/// The same of objects that were read before.
Result<Reading> ReadObjects(const std::vector<nlohmann::json>& objects);

}  // namespace imagebatch::report
