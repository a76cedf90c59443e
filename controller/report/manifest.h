#pragma once
#include <nlohmann/json.hpp>
#include <string>

#include "report/builds.h"

namespace imagebatch::report {

/// The fields of one build in the manifest: those of BuildOutput, with the same names and types, then `stage`
/// and `name`, where the registry was asked `digest`, and where it hung `class`, `hung_since`, `fingerprint`
/// and `summary`. Each field of BuildOutput is there, null where nothing is known.
nlohmann::ordered_json ManifestEntry(const Build& build);

/// manifest.jsonl: one line for each build that has ended.
std::string Manifest(const Report& report);

}  // namespace imagebatch::report
