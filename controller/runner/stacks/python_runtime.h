#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

#include "runner/stacks/memory.h"
#include "runner/stacks/python_layouts.h"
#include "runner/stacks/python_objects.h"

namespace imagebatch::runner {

/// The CPython interpreter in a process.
struct PythonRuntime {
  uint64_t address = 0;   // of _PyRuntime; 0: a Python without one, older than 3.7
  PythonVersion version;  // minor 0: not known
  std::optional<PythonLayout> layout;
  PythonTypes types;
};

/// Finds it among what is mapped (`maps`: /proc/PID/maps), by its exported names alone. Nothing where the
/// process is no CPython; no `layout` where its version is not known here.
std::optional<PythonRuntime> FindPython(Memory& memory, std::string_view maps);

}  // namespace imagebatch::runner
