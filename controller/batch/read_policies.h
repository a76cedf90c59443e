#pragma once
#include <nlohmann/json.hpp>
#include <string>

#include "batch/fields.h"
#include "batch/types.h"

namespace imagebatch::batch {

inline constexpr int64_t kYear = 31622400;  // 366 days, in seconds: the longest that a field may say

/// Reads spec.hang or spec.stages[].hang, which have the same fields, each optional. Ranges and defaults
/// stand in manifests/crd.yaml too.
HangOverrides ReadHang(const nlohmann::json& value, const std::string& path, Problems& problems);
/// The same of spec.stall and spec.stages[].stall.
StallOverrides ReadStall(const nlohmann::json& value, const std::string& path, Problems& problems);

/// Reads spec.shutdown.
Shutdown ReadShutdown(Fields& spec);

/// Reads spec.rerun. Whether there are such builds is no matter of the spec.
Rerun ReadRerun(const nlohmann::json& value, const std::string& path, Problems& problems);

}  // namespace imagebatch::batch
