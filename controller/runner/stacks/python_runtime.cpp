#include "runner/stacks/python_runtime.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "runner/proc/proc_text.h"
#include "runner/stacks/elf_symbols.h"
#include "runner/waits/shared_memory.h"

namespace imagebatch::runner {
namespace {

constexpr size_t kMostModules = 16;

std::string_view NameOf(std::string_view path) { return path.substr(path.rfind('/') + 1); }

/// "python3.11", "libpython3.11.so.1.0". (Extension modules are called "x.cpython-311-x86_64-linux-gnu.so".)
bool HasPythonsName(std::string_view path) {
  const std::string_view name = NameOf(path);
  return name.starts_with("python") || name.starts_with("libpython");
}

/// "python", "python2.7": an interpreter, whatever it exports.
bool IsInterpreter(std::string_view path) {
  std::string_view name = NameOf(path);
  if (!name.starts_with("python")) return false;
  name.remove_prefix(6);
  return std::all_of(name.begin(), name.end(), [](char c) { return c == '.' || (c >= '0' && c <= '9'); });
}

uint32_t VersionHex(Memory& memory, const ElfSymbols& symbols) {
  if (const uint64_t version = symbols.Find("Py_Version"); version != 0) {
    return memory.Get<uint32_t>(version).value_or(0);
  }
  return 0;
}

/// Before 3.11 the version is nowhere, but each has a function that none before it had.
PythonVersion VersionByNames(const ElfSymbols& symbols) {
  unsigned minor = 0;
  if (symbols.Find("PyAIter_Check") != 0) {
    minor = 10;
  } else if (symbols.Find("PyCMethod_New") != 0) {
    minor = 9;
  } else if (symbols.Find("PyCode_NewWithPosOnlyArgs") != 0) {
    minor = 8;
  }
  return {.major = 3, .minor = minor, .micro = 0, .known_micro = false, .final = minor != 0};
}

std::optional<PythonRuntime> In(Memory& memory, uint64_t base) {
  const auto symbols = ElfSymbols::At(memory, base);
  if (!symbols) return std::nullopt;
  PythonRuntime runtime;
  runtime.address = symbols->Find("_PyRuntime");
  if (runtime.address == 0) return std::nullopt;
  const uint32_t hex = VersionHex(memory, *symbols);
  runtime.version = hex != 0 ? VersionOf(hex) : VersionByNames(*symbols);
  runtime.types = {.code = symbols->Find("PyCode_Type"),
                   .frame = symbols->Find("PyFrame_Type"),
                   .text = symbols->Find("PyUnicode_Type"),
                   .bytes = symbols->Find("PyBytes_Type"),
                   .builtin = symbols->Find("PyCFunction_Type")};
  const PythonTypes& types = runtime.types;
  if (types.code == 0 || types.frame == 0 || types.text == 0 || types.bytes == 0) return runtime;
  // A version that tells itself tells it from 3.11 on, and one that does not is older.
  if ((hex != 0) != (runtime.version.minor >= 11)) return runtime;
  runtime.layout = LayoutOf(runtime.version, hex, memory, runtime.address);
  return runtime;
}

}  // namespace

std::optional<PythonRuntime> FindPython(Memory& memory, std::string_view maps) {
  std::set<std::string_view> seen;
  bool first = true, interpreter = false;
  while (!maps.empty() && seen.size() < kMostModules) {
    const auto mapping = ParseMapping(TakeUntil(maps, '\n'));
    if (!mapping || !mapping->path.starts_with('/')) continue;
    const bool program = std::exchange(first, false);
    if (!program && !HasPythonsName(mapping->path)) continue;
    if (!seen.insert(mapping->path).second) continue;
    if (auto runtime = In(memory, mapping->begin)) return runtime;
    interpreter = interpreter || IsInterpreter(mapping->path);
  }
  if (interpreter) return PythonRuntime();
  return std::nullopt;
}

}  // namespace imagebatch::runner
