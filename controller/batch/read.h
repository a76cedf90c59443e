#pragma once
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "batch/rows.h"
#include "batch/types.h"

namespace imagebatch::batch {

/// At most so many problems are listed; a last one says how many more there are.
inline constexpr size_t kMaxProblems = 10;

/// Reads one ImageBatch object (apiVersion imagebatch.dev/v1alpha1), fills in the defaults of the CRD and
/// checks all that can be checked without its rows: types, ranges, unknown fields, unique stage names,
/// `needs` that name earlier stages only (so there is no cycle), one build container with a command in each
/// template (pod_template.h), names in $(...) that no row can give a meaning.
tl::expected<Batch, std::vector<Problem>> ReadBatch(const nlohmann::json& object);

/// An ImageBatch as the API server sends it; nothing where the text is none. Where it is nested deeper than
/// 128 levels, which copying and writing it would pay for with as many frames of the stack, it has in place
/// of its spec the text kTooDeep, which ReadBatch tells.
std::optional<nlohmann::json> ReadStored(std::string_view text);
inline constexpr const char* kTooDeep = "is nested deeper than 128 levels";

/// Rows of one source: inline rows (spec.images.rows) or the text of a ConfigMap's key (JSON Lines; empty
/// lines are skipped). Adds to `rows` and `problems`. A line that is no JSON object, a duplicate column and
/// more than kMaxColumns in one row are problems with their line. What the columns hold and how they are
/// called matters only where they are used, which Expand checks. An inline row holds no other number than an
/// integer and no boolean that could be used: the reader of the YAML has already lost the spelling (4.10,
/// yes).
void ReadInlineRows(const Images& images, Rows& rows, std::vector<Problem>& problems);
void ReadRowLines(std::string_view text, const ConfigMapKey& config_map, Rows& rows,
                  std::vector<Problem>& problems);

/// The names of spec.images.select.configMap: one on each line, without the space around it; empty lines are
/// skipped. None at all is an error.
Result<std::vector<std::string>> ReadNames(std::string_view text);

/// Takes in the text of one of Sources(images), by its index there: rows are added to `rows`, the names of
/// the selection become `listed`. Adds to `problems`.
void ReadSource(const Images& images, size_t index, std::string_view text, Rows& rows,
                std::vector<std::string>& listed, std::vector<Problem>& problems);

}  // namespace imagebatch::batch
