#pragma once
#include <sys/types.h>

#include <string>
#include <vector>

#include "base/result.h"

namespace imagebatch::local {

struct ChildSpec {
  std::vector<std::string> words;        // the program's path first; no shell, no PATH
  std::vector<std::string> environment;  // NAME=value
  std::string directory;                 // empty: ours
  int output = -1;                       // its stdout and stderr
  int kept = -1;                         // stays open in it and in all that it starts
};

/// Starts a program in a session of its own, so that no key at a terminal reaches it, with nothing to read.
/// It is killed when the thread that has called this ends, however it does. The PID; or what is wrong, with
/// the path.
Result<pid_t> StartChild(const ChildSpec& spec);

}  // namespace imagebatch::local
