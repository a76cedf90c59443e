#pragma once
#include <string>

#include "runner/machine/machine.h"

namespace imagebatch::runner {

/// What of the machine explains that a build does not get on: a file system that is full, processes that were
/// killed for memory, a lack of memory, a disk that keeps everybody waiting, a CPU limit. One clause for a
/// person, such as "the file system at /work is full (0 MiB of 1024 MiB free)", at most 200 bytes; empty
/// where nothing does.
std::string WhatExplains(const Machine& machine);

}  // namespace imagebatch::runner
