#pragma once
#include "hang/checks.h"
#include "runner/output/line_tail.h"
#include "runner/report/evidence.h"

namespace imagebatch::runner {

/// Gives the evidence its fingerprint and its summary (see AlikeOf()), and then leaves no more than
/// kMostProcesses in it, the youngest. `input`: what `finding` was found by.
void NameHang(Evidence& evidence, const hang::Input& input, const hang::Finding& finding,
              const LineTail& tail);

}  // namespace imagebatch::runner
