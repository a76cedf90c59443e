#pragma once
#include <elf.h>

#include <cstring>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runner/stacks/memory.h"
#include "runner/stacks/python_layouts.h"
#include "runner/stacks/python_reader.h"
#include "runner/stacks/python_runtime.h"

namespace imagebatch::testing {

/// The memory of a process, imitated: one mapping.
class ImitatedMemory : public runner::Memory {
 public:
  static constexpr uint64_t kBase = 0x7000'0000'0000;

  /// A new place of so many zero bytes.
  uint64_t Add(size_t size) {
    const uint64_t address = kBase + bytes_.size();
    bytes_.resize(bytes_.size() + (size + 63) / 64 * 64);  // lines of a cache are never there in part
    return address;
  }
  template <class Value>
  void Put(uint64_t address, Value value) {
    memcpy(&bytes_.at(address - kBase + sizeof value - 1) - (sizeof value - 1), &value, sizeof value);
  }
  void PutText(uint64_t address, std::string_view text) {
    if (!text.empty()) memcpy(&bytes_.at(address - kBase), text.data(), text.size());
  }
  uint64_t AddText(std::string_view text) {
    const uint64_t address = Add(text.size() + 1);
    PutText(address, text);
    return address;
  }
  std::vector<unsigned char>& Bytes() { return bytes_; }

 private:
  bool ReadAt(uint64_t address, void* to, size_t size) override {
    if (address < kBase || address - kBase > bytes_.size() || size > bytes_.size() - (address - kBase)) {
      return false;
    }
    memcpy(to, bytes_.data() + (address - kBase), size);
    return true;
  }

  std::vector<unsigned char> bytes_;
};

/// A CPython interpreter in such memory: a program file with its exported names, one interpreter, threads.
class PythonImage {
 public:
  explicit PythonImage(unsigned minor, bool gnu_hash = true) : minor_(minor) {
    const uint64_t file = memory_.Add(0x1000);
    runtime_ = memory_.Add(0x1000);
    code_type_ = AddType("code");
    frame_type_ = AddType("frame");
    text_type_ = AddType("str");
    bytes_type_ = AddType("bytes");
    builtin_type_ = AddType("builtin_function_or_method");
    const uint64_t version = memory_.Add(8);
    memory_.Put(version, Hex());
    std::vector<std::pair<std::string, uint64_t>> names = {
        {"_PyRuntime", runtime_},       {"PyCode_Type", code_type_},   {"PyFrame_Type", frame_type_},
        {"PyUnicode_Type", text_type_}, {"PyBytes_Type", bytes_type_}, {"PyCFunction_Type", builtin_type_}};
    if (minor >= 11) names.emplace_back("Py_Version", version);
    if (minor >= 10) names.emplace_back("PyAIter_Check", version);
    if (minor >= 9) names.emplace_back("PyCMethod_New", version);
    if (minor >= 8) names.emplace_back("PyCode_NewWithPosOnlyArgs", version);
    WriteFile(file, names, gnu_hash);
    if (minor >= 13) WriteOffsets();
    const auto layout =
        runner::LayoutOf({.major = 3, .minor = minor, .micro = 0, .known_micro = true, .final = true}, Hex(),
                         memory_, runtime_);
    if (!layout) return;
    layout_ = *layout;
    interpreter_ = memory_.Add(0x2000);
    memory_.Put(runtime_ + layout_.interpreters, interpreter_);
  }

  ImitatedMemory& Memory() { return memory_; }
  const runner::PythonLayout& Layout() const { return layout_; }
  uint64_t Runtime() const { return runtime_; }
  uint64_t Interpreter() const { return interpreter_; }
  uint32_t Hex() const { return 0x030000F0 | minor_ << 16; }
  static std::string Maps() { return "700000000000-700001000000 r-xp 00000000 08:01 7 /usr/bin/python3\n"; }

  uint64_t AddType(std::string_view name) {
    const uint64_t type = memory_.Add(64);
    memory_.Put(type + 24, memory_.AddText(name));
    return type;
  }
  uint64_t AddObject(uint64_t type, size_t size) {
    const uint64_t object = memory_.Add(size);
    memory_.Put(object + 8, type);
    return object;
  }
  uint64_t AddStr(std::string_view text) {
    const uint64_t object = AddObject(text_type_, layout_.ascii_data + text.size() + 1);
    memory_.Put(object + 16, uint64_t{text.size()});
    memory_.Put(object + 32, uint32_t{1U << 2 | 1U << 5 | 1U << 6});
    memory_.PutText(object + layout_.ascii_data, text);
    return object;
  }
  /// Of two bytes for a character.
  uint64_t AddWideStr(std::u16string_view text) {
    const uint64_t object = AddObject(text_type_, layout_.other_data + 2 * text.size() + 2);
    memory_.Put(object + 16, uint64_t{text.size()});
    memory_.Put(object + 32, uint32_t{2U << 2 | 1U << 5});
    for (size_t at = 0; at < text.size(); ++at) {
      memory_.Put(object + layout_.other_data + 2 * at, static_cast<uint16_t>(text[at]));
    }
    return object;
  }
  uint64_t AddBytes(std::string_view bytes) {
    const uint64_t object = AddObject(bytes_type_, 32 + bytes.size() + 1);
    memory_.Put(object + 16, uint64_t{bytes.size()});
    memory_.PutText(object + 32, bytes);
    return object;
  }
  /// Its instructions 0, 1 and 2 are in the lines `line`, `line` + 1 and `line` + 2.
  uint64_t AddCode(std::string_view file, std::string_view name, int line) {
    const uint64_t code = AddObject(code_type_, 512);
    memory_.Put(code + layout_.file, AddStr(file));
    memory_.Put(code + layout_.name, AddStr(name));
    memory_.Put(code + layout_.first_line, int32_t{line});
    memory_.Put(code + layout_.line_table, AddBytes(LineTable()));
    memory_.Put(code + layout_.local_count, int32_t{2});
    memory_.Put(code + layout_.stack_size, int32_t{4});
    if (layout_.frame_objects) {
      memory_.Put(code + 48, AddBytes(std::string(6, '\0')));
    } else {
      memory_.Put(code + 16, uint64_t{3});
      memory_.Put(code + 40, AddBytes(std::string("\x80\x03\x00\x02", 4)));  // 0 to 3, keeps one value
    }
    return code;
  }
  /// At the instruction of this number.
  uint64_t AddFrame(uint64_t code, uint64_t previous, int instruction) {
    const uint64_t frame = AddObject(frame_type_, 512);
    memory_.Put(frame + layout_.previous, previous);
    memory_.Put(frame + layout_.code, code);
    if (layout_.frame_objects) {
      memory_.Put(frame + layout_.instruction, int32_t{minor_ == 10 ? instruction : 2 * instruction});
    } else {
      memory_.Put(frame + layout_.instruction,
                  code + layout_.bytecode + static_cast<uint64_t>(2 * instruction));
    }
    return frame;
  }
  /// Its ident is what the result points to.
  uint64_t AddThread(int32_t id, uint64_t frame) {
    const uint64_t state = memory_.Add(512);
    const uint64_t ident = memory_.Add(1024);
    memory_.Put(ident + 720, id);
    memory_.Put(state + 8, first_thread_);
    memory_.Put(state + layout_.interpreter, interpreter_);
    memory_.Put(state + layout_.ident, ident);
    if (layout_.native_id != runner::PythonLayout::kNone) {
      memory_.Put(state + layout_.native_id, uint64_t{static_cast<uint32_t>(id)});
    }
    if (layout_.frame_in_cframe != runner::PythonLayout::kNone) {
      const uint64_t holder = memory_.Add(32);
      memory_.Put(holder + layout_.frame_in_cframe, frame);
      memory_.Put(state + layout_.frame, holder);
    } else {
      memory_.Put(state + layout_.frame, frame);
    }
    first_thread_ = state;
    memory_.Put(interpreter_ + layout_.threads, state);
    last_ident_ = ident;
    return state;
  }
  uint64_t LastIdent() const { return last_ident_; }

  struct Lock {
    uint64_t object = 0, futex = 0;
  };
  /// A lock that is locked, and the futex of who waits for it.
  Lock AddLock(bool reentrant, uint64_t owner) {
    const uint64_t object = AddObject(AddType(reentrant ? "_thread.RLock" : "_thread.lock"), 64);
    const uint64_t entry = memory_.Add(64);
    if (minor_ >= 13) {
      memory_.Put(object + 16, uint8_t{3});
      memory_.Put(entry, object + 16);
    } else {
      memory_.Put(object + 16, entry + 8);
    }
    if (reentrant) {
      memory_.Put(object + 24, owner);
      memory_.Put(object + 32, uint64_t{1});
    }
    return {object, entry + 8};
  }
  /// Puts a value into a local, or on the stack behind the two locals, of a frame.
  void PutSlot(uint64_t frame, size_t slot, uint64_t object) {
    memory_.Put(frame + layout_.locals + 8 * slot, object);
  }
  /// lock.__exit__, as it lies on the stack within a `with`.
  uint64_t AddExit(uint64_t lock) {
    const uint64_t method = AddObject(builtin_type_, 48);
    const uint64_t definition = memory_.Add(32);
    memory_.Put(definition, memory_.AddText("__exit__"));
    memory_.Put(method + 16, definition);
    memory_.Put(method + 24, lock);
    return method;
  }

 private:
  std::string LineTable() const {
    switch (layout_.lines) {
      case runner::LineTable::Increments:
        return std::string("\x02\x01\x02\x01", 4);
      case runner::LineTable::Ranges:
        return std::string("\x02\x00\x02\x01\x02\x01", 6);
      case runner::LineTable::Locations:
        return std::string("\xE8\x00\xE8\x02\xE8\x02", 6);  // kind 13, one unit; by 0, 1 and 1
    }
    return {};
  }

  void WriteFile(uint64_t file, const std::vector<std::pair<std::string, uint64_t>>& names, bool gnu_hash) {
    Elf64_Ehdr header{};
    memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_phoff = sizeof header;
    header.e_phentsize = sizeof(Elf64_Phdr);
    header.e_phnum = 2;
    memory_.Put(file, header);
    const uint64_t symbols = memory_.Add((names.size() + 1) * sizeof(Elf64_Sym));
    const uint64_t strings = memory_.Add(1024);
    const uint64_t hash = memory_.Add(1024);
    const uint64_t dynamic = memory_.Add(8 * sizeof(Elf64_Dyn));
    size_t text = 1;
    const auto count = static_cast<uint32_t>(names.size());
    if (gnu_hash) {
      const uint32_t head[] = {1, 1, 1, 6, 0, 0, 1};  // one bucket, symbols from 1, one word of the filter
      for (size_t index = 0; index < std::size(head); ++index) memory_.Put(hash + 4 * index, head[index]);
    } else {
      const uint32_t head[] = {1, count + 1, 1};
      for (size_t index = 0; index < std::size(head); ++index) memory_.Put(hash + 4 * index, head[index]);
    }
    for (uint32_t index = 0; index < count; ++index) {
      const auto& [name, address] = names[index];
      Elf64_Sym symbol{};
      symbol.st_name = static_cast<uint32_t>(text);
      symbol.st_shndx = 1;
      symbol.st_value = address - file;
      memory_.Put(symbols + (index + 1) * sizeof symbol, symbol);
      memory_.PutText(strings + text, name);
      text += name.size() + 1;
      const bool last = index + 1 == count;
      if (gnu_hash) {
        uint32_t value = 5381;
        for (char c : name) value = value * 33 + static_cast<unsigned char>(c);
        memory_.Put(hash + 28 + 4 * index, (value & ~1U) | (last ? 1U : 0U));
      } else {
        memory_.Put(hash + 12 + 4 * (index + 1), last ? 0U : index + 2);
      }
    }
    const std::pair<int64_t, uint64_t> entries[] = {
        {DT_SYMTAB, symbols}, {DT_STRTAB, strings}, {gnu_hash ? DT_GNU_HASH : DT_HASH, hash}, {DT_NULL, 0}};
    for (size_t index = 0; index < std::size(entries); ++index) {
      Elf64_Dyn entry{};
      entry.d_tag = entries[index].first;
      entry.d_un.d_ptr = entries[index].second;
      memory_.Put(dynamic + index * sizeof entry, entry);
    }
    Elf64_Phdr load{}, table{};
    load.p_type = PT_LOAD;
    table.p_type = PT_DYNAMIC;
    table.p_vaddr = dynamic - file;
    table.p_memsz = 4 * sizeof(Elf64_Dyn);
    memory_.Put(file + sizeof header, load);
    memory_.Put(file + sizeof header + sizeof load, table);
  }

  /// What 3.13 and 3.14 say of themselves: where it stands, and what it says there.
  void WriteOffsets() {
    const std::map<uint16_t, uint64_t> offsets313 = {
        {40, 632},  {64, 7264}, {72, 7344}, {176, 16}, {184, 72}, {192, 152}, {200, 160},
        {232, 8},   {240, 0},   {248, 56},  {256, 72}, {264, 70}, {280, 112}, {296, 128},
        {304, 136}, {312, 68},  {344, 200}, {360, 8},  {560, 40}};
    const std::map<uint16_t, uint64_t> offsets314 = {
        {40, 808},  {64, 7272}, {72, 7344}, {200, 16}, {208, 72}, {216, 152}, {224, 160},
        {256, 8},   {264, 0},   {272, 56},  {280, 80}, {288, 74}, {320, 112}, {336, 128},
        {344, 136}, {352, 68},  {384, 208}, {408, 8},  {640, 40}};
    memory_.PutText(runtime_, "xdebugpy");
    memory_.Put(runtime_ + 8, uint64_t{Hex()});
    for (const auto& [where, offset] : minor_ == 13 ? offsets313 : offsets314)
      memory_.Put(runtime_ + where, offset);
  }

  ImitatedMemory memory_;
  unsigned minor_;
  runner::PythonLayout layout_{};
  uint64_t runtime_ = 0, interpreter_ = 0;
  uint64_t code_type_ = 0, frame_type_ = 0, text_type_ = 0, bytes_type_ = 0, builtin_type_ = 0;
  uint64_t first_thread_ = 0, last_ident_ = 0;
};

}  // namespace imagebatch::testing
