#pragma once
#include <cstddef>

#include "runner/report/json.h"
#include "runner/stacks/stacks.h"

namespace imagebatch::runner {

/// How much of the stacks a report holds.
struct StackDetail {
  size_t groups;   // of processes
  size_t threads;  // of each
  size_t bytes;    // of each text
};

/// Members of an object: the groups in the order of the tree; where not all find room, those of the youngest
/// processes. What is left out is counted.
void WriteStacks(JsonWriter& json, const Stacks& stacks, const StackDetail& detail);

}  // namespace imagebatch::runner
