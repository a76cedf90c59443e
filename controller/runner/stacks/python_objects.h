#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "runner/stacks/memory.h"
#include "runner/stacks/python_layouts.h"

namespace imagebatch::runner {

/// The addresses of the types of what is read.
struct PythonTypes {
  uint64_t code = 0, frame = 0, text = 0, bytes = 0, builtin = 0;
};

/// Python objects in another process's memory. Each is checked to be of its type, by the address of that
/// type: what is something else, or longer than asked for, is nothing.
class PythonObjects {
 public:
  /// `memory` outlives it.
  PythonObjects(Memory& memory, const PythonTypes& types, const PythonLayout& layout)
      : memory_(memory), types_(types), layout_(layout) {}

  static constexpr uint64_t kTypeAt = 8, kSizeAt = 16;  // in every object, and in those of variable size

  bool Is(uint64_t object, uint64_t type) const;
  /// A str of at most `limit` characters, in UTF-8.
  std::optional<std::string> Text(uint64_t object, size_t limit) const;
  std::optional<std::string> Bytes(uint64_t object, size_t limit) const;
  /// How many bytes such an object has.
  std::optional<uint64_t> ByteCount(uint64_t object) const;
  /// The object whose method a builtin method is, where that is called `name`; else 0.
  uint64_t SelfOfBuiltin(uint64_t object, const char* name = nullptr) const;
  /// What the object's type is called: "_thread.lock"; empty where that cannot be read.
  std::string TypeName(uint64_t object) const;

 private:
  Memory& memory_;
  const PythonTypes types_;
  const PythonLayout layout_;
};

}  // namespace imagebatch::runner
