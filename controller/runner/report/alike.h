#pragma once
#include <string>

#include "hang/verdict.h"
#include "runner/report/evidence.h"

namespace imagebatch::runner {

/// By what equal hangs of a batch are known: equal fingerprints have equal summaries.
struct Alike {
  std::string fingerprint;  // kFingerprintBytes hexadecimal digits of the contract
  std::string summary;      // printable, without quotes and backslashes, at most kSummaryBytes
};

/// Of a hang that was found, by its evidence; `phase` as in Snapshot. What is taken into account:
///  - the class, and of Overdue the pattern;
///  - the programs that were there for at least half of the time that the hang has lasted (helpers of a poll
///    come and go); of a deadlock, its dead part and those above it. Of each its name and its mode (see
///    NameProgram()), however many there are alike, and, where nothing goes on (Deadlock, Idle), what it
///    waits for and where its threads stand: innermost function, the program's own function with its source
///    line, and the lock;
///  - of Looping, the lines that are repeated;
///  - of Idle, Busy and Deadline, the step that the build says it is in.
/// Left aside are pids, counts, times, numbers of lines, identifiers, directories and further arguments: they
/// differ between rows, or with the moment. Python's functions stand for its arguments. Nothing is taken of
/// where a thread runs or ticks, for that depends on the moment, too.
Alike AlikeOf(const Evidence& evidence, const hang::Finding& finding, const std::string& phase);

}  // namespace imagebatch::runner
