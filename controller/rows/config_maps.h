#pragma once
#include <string>
#include <vector>

#include "base/result.h"
#include "rows/records.h"

namespace imagebatch::rows {

/// The key of the rows in each ConfigMap.
inline constexpr const char* kRowsKey = "rows.jsonl";

/// A record as one line of JSON without its end, as spec.images.configMaps takes it. What is no text is left
/// out. It holds printable ASCII and letters of other scripts only: everything else is escaped.
std::string JsonLine(const Record& record);

/// Immutable ConfigMaps that hold `lines` in their order, each as a YAML document, named NAME-1, NAME-2 and
/// so on. Each is less than 1 MiB as JSON and as YAML. Empty `ns`: they name no namespace. Fails where a line
/// alone is too large, and where a batch would not take all (64 ConfigMaps, 100,000 rows).
Result<std::vector<std::string>> MakeConfigMaps(const std::vector<std::string>& lines,
                                                const std::string& name, const std::string& ns);

}  // namespace imagebatch::rows
