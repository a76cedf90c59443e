#pragma once
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "batch/expand.h"
#include "batch/types.h"

namespace imagebatch::cli {

/// The largest batch file, and all of them together: 64 ConfigMaps of 1 MiB and some.
inline constexpr size_t kMostFileBytes = size_t{80} * 1024 * 1024;

/// An ImageBatch with what its files say of its rows.
struct BatchFile {
  std::string file;  // that has the ImageBatch
  nlohmann::json object;
  batch::Batch batch;
  /// Its builds; nothing where `missing` is not empty.
  std::optional<batch::Expansion> expansion;
  /// What its rows lack: "ConfigMap verified". It is in none of the files, though it may be in the cluster.
  std::vector<std::string> missing;
};

struct BatchFiles {
  std::vector<BatchFile> batches;         // at least one
  std::vector<nlohmann::json> documents;  // all objects in the order of the files, batches too
};

/// Reads files of YAML or JSON with any number of documents; "-" is the standard input. An ImageBatch takes
/// its rows from itself or from the ConfigMaps among the documents (of its namespace, where both name one);
/// documents of other kinds are left alone. Fails with one line for each problem: "FILE:LINE:COLUMN: FIELD:
/// what is wrong and the way out".
tl::expected<BatchFiles, std::vector<std::string>> ReadBatchFiles(const std::vector<std::string>& files);

/// The same of one text, which messages call `name`.
tl::expected<BatchFiles, std::vector<std::string>> ReadBatchText(const std::string& name,
                                                                 const std::string& text);

/// As ReadBatchFiles, for commands that work on one batch whose rows must be known; more than one batch and
/// rows that are missing are problems too.
tl::expected<BatchFile, std::vector<std::string>> ReadBatchFile(const std::vector<std::string>& files);

}  // namespace imagebatch::cli
