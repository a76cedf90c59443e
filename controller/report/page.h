#pragma once
#include <map>
#include <string>

#include "report/builds.h"

namespace imagebatch::report {

/// So many groups of hangs show the evidence of one of their builds.
inline constexpr size_t kEvidenceGroups = 20;
/// At most so much of it.
inline constexpr size_t kEvidenceBytes = 4096;

/// One HTML file with everything in it: nothing is loaded, and its Content-Security-Policy allows nothing but
/// its own style and script, by their hashes. What a build says is text. Everything but the list of all
/// builds can be read without scripts. Under 1 MiB for 10,000 builds. `evidence`: JSON of the runner by
/// evidence_record, of the records that the groups name first.
std::string HtmlPage(const Report& report, const std::map<std::string, std::string>& evidence);

}  // namespace imagebatch::report
