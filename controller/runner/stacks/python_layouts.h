#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "runner/stacks/memory.h"

namespace imagebatch::runner {

/// How a code object tells the lines of its instructions.
enum class LineTable { Increments, Ranges, Locations };  // to 3.9 (lnotab), 3.10 (PEP 626), from 3.11 on

/// Where CPython keeps what is read, in bytes from the start of each structure (64 bits). Those of 3.8
/// to 3.12 are offsetof() of their headers; 3.13 and later tell them themselves.
struct PythonLayout {
  static constexpr uint64_t kNone = UINT64_MAX;

  uint64_t interpreters;                                // of _PyRuntime: the first one
  uint64_t next_interpreter, threads;                   // of an interpreter
  uint64_t interpreter, frame, ident, native_id;        // of a thread state; its next one is always at 8
  uint64_t previous, code, instruction, owner, locals;  // of a frame
  uint64_t file, name, first_line, line_table;          // of a code object
  uint64_t bytecode;                                    // where instructions begin; kNone: an object at 48
  uint64_t local_count, stack_size;                     // int32
  uint64_t ascii_data, other_data;                      // of a str: where its characters begin
  LineTable lines;
  bool frame_objects;          // to 3.10: frames are Python objects, and their instruction is an int32
  uint64_t frame_in_cframe;    // kNone: the thread state points to the frame, not to what points to it
  uint64_t instruction_bytes;  // what the frame's instruction, or its difference to the first, counts in
};

/// 3.11.2 as 3, 11, 2; `final` for releases and their candidates, whose structures do not change any more.
struct PythonVersion {
  unsigned major = 0, minor = 0, micro = 0;
  bool known_micro = false;
  bool final = false;

  /// "3.11.2", or "3.9" where no more is known.
  std::string Text() const;
};

/// Of PY_VERSION_HEX.
PythonVersion VersionOf(uint32_t hex);

/// The layout of a version; nothing where it is not known, or the interpreter at `runtime` tells another than
/// it can have. Free-threaded builds are none that is known.
std::optional<PythonLayout> LayoutOf(const PythonVersion& version, uint32_t hex, Memory& memory,
                                     uint64_t runtime);

}  // namespace imagebatch::runner
