#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

#include "runner/stacks/python_layouts.h"

namespace imagebatch::runner {

/// The line of the instruction at `offset` (bytes from the first one) of a code object that begins in
/// `first_line`; 0 for an instruction that belongs to no line, nothing where the table does not reach so far
/// or tells an impossible line. Objects/lnotab_notes.txt, Objects/locations.md of CPython.
std::optional<int> LineAt(LineTable kind, std::string_view table, int first_line, int64_t offset);

/// How many values of the stack are alive for sure while the instruction at `offset` runs: as many as the
/// handler around it would keep (Objects/exception_handling_notes.txt; from 3.11 on). 0 where there is none.
int KeptByHandler(std::string_view exception_table, int64_t offset);

}  // namespace imagebatch::runner
