#pragma once
#include <string>

#include "base/time.h"
#include "cli/view/batch_status.h"

namespace imagebatch::cli {

/// Whether there is something to wait for.
enum class Waiting {
  GoesOn,
  Succeeded,  // every build
  Failed,     // for good
  Hung,  // only builds that hang are left, and nothing ends them: it goes on once somebody does something
};

/// Decides by one look at the batch. A hung build whose stage has hang.action Retry or Fail is about to be
/// ended, and one that recovers goes on; so Hung is told only where no other build can go on: none is
/// pending, held or running, and none is queued that a free slot of `parallelism` would let start. What else
/// keeps queued builds back (a stage's own parallelism, firstBuilds) is not looked up: they count as kept
/// back once nothing has begun or ended for kStandstill, which is longer than any back-off.
Waiting Judge(const BatchStatus& batch, Time now);
inline constexpr Duration kStandstill = std::chrono::minutes(10);

/// What there is to say at the end, on one line: "hello: 500 of 500 builds succeeded".
std::string EndText(const BatchStatus& batch, Waiting outcome);

}  // namespace imagebatch::cli
