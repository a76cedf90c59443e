#pragma once
#include <iosfwd>

namespace imagebatch::runner {

/// A small Python program that prints "ready" and then waits.
struct Waiting {
  const char* name;
  const char* script;
};

void PrintTo(const Waiting& program, std::ostream* out);

/// What each of them begins with.
extern const char kWaitingPrelude[];

/// They wait for themselves alone.
extern const Waiting kDeadlocked[8];

/// Something may end their wait at any time, though nothing does.
extern const Waiting kMerelyWaiting[25];

}  // namespace imagebatch::runner
