#include "runner/stacks/python_layouts.h"

#include <array>
#include <cstring>
#include <iterator>

namespace imagebatch::runner {
namespace {

constexpr uint64_t kNone = PythonLayout::kNone;

constexpr PythonLayout kLayout39 = {.interpreters = 32,
                                    .next_interpreter = 0,
                                    .threads = 8,
                                    .interpreter = 16,
                                    .frame = 24,
                                    .ident = 176,
                                    .native_id = kNone,
                                    .previous = 24,
                                    .code = 32,
                                    .instruction = 104,
                                    .owner = kNone,
                                    .locals = 360,
                                    .file = 104,
                                    .name = 112,
                                    .first_line = 40,
                                    .line_table = 120,
                                    .bytecode = kNone,
                                    .local_count = 28,
                                    .stack_size = 32,
                                    .ascii_data = 48,
                                    .other_data = 72,
                                    .lines = LineTable::Increments,
                                    .frame_objects = true,
                                    .frame_in_cframe = kNone,
                                    .instruction_bytes = 1};

constexpr PythonLayout Layout310() {
  PythonLayout layout = kLayout39;
  layout.instruction = 96;
  layout.locals = 352;
  layout.lines = LineTable::Ranges;
  layout.instruction_bytes = 2;
  return layout;
}

constexpr PythonLayout kLayout311 = {.interpreters = 40,
                                     .next_interpreter = 0,
                                     .threads = 16,
                                     .interpreter = 16,
                                     .frame = 56,
                                     .ident = 152,
                                     .native_id = 160,
                                     .previous = 48,
                                     .code = 32,
                                     .instruction = 56,
                                     .owner = 69,
                                     .locals = 72,
                                     .file = 112,
                                     .name = 128,
                                     .first_line = 72,
                                     .line_table = 136,
                                     .bytecode = 184,
                                     .local_count = 76,
                                     .stack_size = 68,
                                     .ascii_data = 48,
                                     .other_data = 72,
                                     .lines = LineTable::Locations,
                                     .frame_objects = false,
                                     .frame_in_cframe = 8,
                                     .instruction_bytes = 2};

constexpr PythonLayout Layout312() {
  PythonLayout layout = kLayout311;
  layout.threads = 72;
  layout.ident = 136;
  layout.native_id = 144;
  layout.previous = 8;
  layout.code = 0;
  layout.owner = 70;
  layout.first_line = 68;
  layout.bytecode = 192;
  layout.local_count = 72;
  layout.stack_size = 64;
  layout.ascii_data = 40;
  layout.other_data = 56;
  layout.frame_in_cframe = 0;
  return layout;
}

/// From 3.13 on _PyRuntime begins with a table of offsets (_Py_DebugOffsets). Where in it each number stands
/// differs from version to version.
struct TableOfOffsets {
  uint16_t interpreters, next_interpreter, threads;
  uint16_t interpreter, frame, ident, native_id;
  uint16_t previous, code, instruction, locals, owner;
  uint16_t file, name, line_table, first_line, bytecode;
  uint16_t object_type, ascii_data;
};
constexpr TableOfOffsets kTable313 = {40,  64,  72,  176, 184, 192, 200, 232, 240, 248,
                                      256, 264, 280, 296, 304, 312, 344, 360, 560};
constexpr TableOfOffsets kTable314 = {40,  64,  72,  200, 208, 216, 224, 256, 264, 272,
                                      280, 288, 320, 336, 344, 352, 384, 408, 640};
constexpr size_t kTableBytes = 768;
constexpr size_t kCookie = 0, kTableVersion = 8, kFreeThreaded = 16;

/// What is read wrongly is hardly ever a possible offset into a structure that is so small.
bool IsPlausible(const PythonLayout& layout) {
  constexpr uint64_t kLargestRuntime = uint64_t{1} << 20;
  const auto below = [](uint64_t limit, std::initializer_list<uint64_t> offsets) {
    for (uint64_t offset : offsets) {
      if (offset >= limit) return false;
    }
    return true;
  };
  return below(kLargestRuntime, {layout.interpreters, layout.next_interpreter, layout.threads}) &&
         below(1024, {layout.interpreter, layout.frame, layout.ident, layout.native_id}) &&
         below(128, {layout.previous, layout.code, layout.instruction, layout.owner, layout.locals}) &&
         below(512, {layout.file, layout.name, layout.first_line, layout.line_table, layout.bytecode}) &&
         below(128, {layout.ascii_data});
}

std::optional<PythonLayout> FromTable(const TableOfOffsets& where, uint32_t hex, Memory& memory,
                                      uint64_t runtime) {
  std::array<unsigned char, kTableBytes> table{};
  if (!memory.Read(runtime, table.data(), table.size())) return std::nullopt;
  const auto at = [&table](size_t offset) {
    uint64_t number = 0;
    memcpy(&number, table.data() + offset, sizeof number);
    return number;
  };
  if (memcmp(table.data() + kCookie, "xdebugpy", 8) != 0) return std::nullopt;
  if (at(kTableVersion) != hex || at(kFreeThreaded) != 0 || at(where.object_type) != 8) return std::nullopt;
  PythonLayout layout = Layout312();
  layout.interpreters = at(where.interpreters);
  layout.next_interpreter = at(where.next_interpreter);
  layout.threads = at(where.threads);
  layout.interpreter = at(where.interpreter);
  layout.frame = at(where.frame);
  layout.ident = at(where.ident);
  layout.native_id = at(where.native_id);
  layout.previous = at(where.previous);
  layout.code = at(where.code);
  layout.instruction = at(where.instruction);
  layout.locals = at(where.locals);
  layout.owner = at(where.owner);
  layout.file = at(where.file);
  layout.name = at(where.name);
  layout.line_table = at(where.line_table);
  layout.first_line = at(where.first_line);
  layout.bytecode = at(where.bytecode);
  layout.ascii_data = at(where.ascii_data);
  layout.other_data = layout.ascii_data + 16;
  layout.frame_in_cframe = kNone;
  if (!IsPlausible(layout)) return std::nullopt;
  return layout;
}

}  // namespace

std::string PythonVersion::Text() const {
  std::string text = std::to_string(major) + "." + std::to_string(minor);
  if (known_micro) text += "." + std::to_string(micro);
  return text;
}

PythonVersion VersionOf(uint32_t hex) {
  constexpr uint32_t kCandidate = 0xC;
  return {.major = hex >> 24,
          .minor = hex >> 16 & 0xFF,
          .micro = hex >> 8 & 0xFF,
          .known_micro = true,
          .final = (hex >> 4 & 0xF) >= kCandidate};
}

std::optional<PythonLayout> LayoutOf(const PythonVersion& version, uint32_t hex, Memory& memory,
                                     uint64_t runtime) {
  if (version.major != 3 || !version.final) return std::nullopt;
  switch (version.minor) {
    case 8:
    case 9:
      return kLayout39;
    case 10:
      return Layout310();
    case 11:
      return kLayout311;
    case 12:
      return Layout312();
    case 13:
      return FromTable(kTable313, hex, memory, runtime);
    case 14:
      return FromTable(kTable314, hex, memory, runtime);
    default:
      return std::nullopt;
  }
}

}  // namespace imagebatch::runner
