#pragma once

namespace imagebatch::cli {

/// How every command of imagebatch ends.
enum class Exit : int {
  Done = 0,
  Failed = 1,    // what was asked for did not succeed, or is not valid
  Usage = 2,     // the command line is wrong
  Hung = 3,      // a build hangs
  TimeIsUp = 4,  // what was waited for did not come in time
};

}  // namespace imagebatch::cli
