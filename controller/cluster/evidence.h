#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"

namespace imagebatch::cluster {

/// What a build's runner says of it while it runs.
struct HangVerdict {
  std::string klass;    // Idle, Deadline; Unobserved where the runner itself is silent
  std::string message;  // for people; printable, at most 512 bytes
  Time since{};         // when the verdict was reached
  std::string digest;   // SHA-256 of the evidence line; empty where there is none
};

/// The last verdict in a piece of a build's log: nothing where there is none or where the last one is that
/// the build goes on. The log is untrusted: only lines that are JSON objects of the runner's form count,
/// everything taken from them is bounded, and what they say moves no build to success or failure.
std::optional<HangVerdict> FindVerdict(std::string_view log);

}  // namespace imagebatch::cluster
