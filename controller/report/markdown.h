#pragma once
#include <string>

#include "report/builds.h"

namespace imagebatch::report {

/// The report for the summary of a CI step, as GitHub's or GitLab's Markdown: under 512 KiB, whatever the
/// batch (GitHub takes 1 MiB); what finds no room is counted.
std::string MarkdownReport(const Report& report);

}  // namespace imagebatch::report
