#include "runner/stacks/python_reader.h"

#include <algorithm>
#include <cstring>
#include <set>

#include "runner/stacks/python_tables.h"

namespace imagebatch::runner {
namespace {

constexpr size_t kMostInterpreters = 8;
constexpr uint64_t kNextThread = 8;  // in a thread state
constexpr size_t kLineTableBytes = size_t{1} << 20;
constexpr uint64_t kMostInstructionBytes = uint64_t{64} << 20;
constexpr uint64_t kTagBits = 7;  // of pointers on a frame (3.14); objects lie at multiples of 8
// Who owns a frame (3.11 and later): from here on the interpreter itself, for a call that has no code
constexpr unsigned char kOwnedByInterpreter = 3, kLastOwner = 4;

uint64_t WordAt(const std::vector<unsigned char>& raw, uint64_t offset) {
  uint64_t word = 0;
  memcpy(&word, raw.data() + offset, sizeof word);
  return word;
}

}  // namespace

PythonReader::PythonReader(Memory& memory, const PythonRuntime& runtime, std::vector<KernelThread> threads)
    : memory_(memory),
      runtime_(runtime),
      layout_(*runtime.layout),
      objects_(memory, runtime.types, *runtime.layout),
      kernel_threads_(std::move(threads)) {
  uint64_t interpreter = memory_.Word(runtime.address + layout_.interpreters);
  for (size_t count = 0; interpreter != 0 && count < kMostInterpreters; ++count) {
    ReadInterpreter(interpreter);
    interpreter = memory_.Word(interpreter + layout_.next_interpreter);
  }
  DropDoubles();
}

void PythonReader::ReadInterpreter(uint64_t interpreter) {
  std::set<uint64_t> seen;
  uint64_t state = memory_.Word(interpreter + layout_.threads);
  while (state != 0 && seen.size() < kMostThreads && seen.insert(state).second) {
    // What is no thread state has no next one either.
    if (memory_.Word(state + layout_.interpreter) != interpreter) return;
    ReadThread(state);
    state = memory_.Word(state + kNextThread);
  }
}

const KernelThread* PythonReader::Kernel(pid_t id) const {
  const auto found = std::find_if(kernel_threads_.begin(), kernel_threads_.end(),
                                  [id](const KernelThread& thread) { return thread.id == id; });
  return found == kernel_threads_.end() ? nullptr : &*found;
}

/// The kernel's id of the thread; 0 where the process has no such thread. Until 3.10 Python does not keep it,
/// and after a fork() that it did not make itself it keeps the parent's; then glibc's own is taken, which the
/// kernel and glibc keep right.
pid_t PythonReader::NativeId(uint64_t state, uint64_t ident) {
  if (layout_.native_id != PythonLayout::kNone) {
    const auto id = static_cast<pid_t>(memory_.Word(state + layout_.native_id));
    if (Kernel(id) != nullptr) return id;
  }
  constexpr uint64_t kX86_64 = 720,
                     kArm64 = 208;  // of `tid` in glibc's struct pthread, which idents point to
  for (uint64_t offset : {kX86_64, kArm64}) {
    const auto id = memory_.Get<int32_t>(ident + offset);
    if (id && Kernel(*id) != nullptr) return *id;
  }
  return 0;
}

void PythonReader::ReadThread(uint64_t state) {
  if (threads_.size() >= kMostThreads) return;
  PythonThread thread;
  thread.ident = memory_.Word(state + layout_.ident);
  thread.id = NativeId(state, thread.ident);
  if (thread.id == 0) return;  // of the parent, from before the fork
  uint64_t at = state + layout_.frame;
  if (layout_.frame_in_cframe != PythonLayout::kNone) at = memory_.Word(at) + layout_.frame_in_cframe;
  const auto frame = memory_.Get<uint64_t>(at);
  if (!frame || !ReadFrames(*frame, thread)) {
    ++unreadable_;
    return;
  }
  all_frames_ += thread.frames.size();
  if (const KernelThread* kernel = Kernel(thread.id); kernel->futex && !thread.frames.empty()) {
    FindLock(*kernel, thread);
  }
  threads_.push_back(std::move(thread));
}

bool PythonReader::ReadFrames(uint64_t frame, PythonThread& thread) {
  // What is read of a frame, and no more: behind it the page may end.
  const uint64_t owner = layout_.frame_objects ? 0 : layout_.owner;
  const uint64_t size = std::max({layout_.previous + sizeof(uint64_t), layout_.code + sizeof(uint64_t),
                                  layout_.instruction + sizeof(uint64_t), owner + 1});
  std::vector<unsigned char> raw(size);
  // Frames without code come between others, but not more of them than of those.
  for (size_t count = 0; frame != 0; ++count) {
    if (count >= 2 * kMostFrames || thread.frames.size() >= kMostFrames ||
        all_frames_ + thread.frames.size() >= kMostAllFrames) {
      thread.more_frames = true;
      return !thread.frames.empty();
    }
    if (!memory_.Read(frame, raw.data(), raw.size()) || !ReadFrame(raw, frame, thread)) return false;
    const uint64_t previous = WordAt(raw, layout_.previous);
    if (previous == frame) return false;
    frame = previous;
  }
  return true;
}

bool PythonReader::ReadFrame(const std::vector<unsigned char>& raw, uint64_t address, PythonThread& thread) {
  if (layout_.frame_objects) {
    if (WordAt(raw, PythonObjects::kTypeAt) != runtime_.types.frame) return false;
  } else {
    if (raw[layout_.owner] > kLastOwner) return false;
    if (raw[layout_.owner] >= kOwnedByInterpreter) return true;
  }
  const auto code = ReadCode(WordAt(raw, layout_.code) & ~kTagBits);
  if (!code) return false;
  PythonFrame frame{.code = *code, .line = 0, .address = address, .offset = 0};
  const PythonCode& known = codes_[*code];
  if (layout_.frame_objects) {
    int32_t last = 0;
    memcpy(&last, raw.data() + layout_.instruction, sizeof last);
    frame.offset = int64_t{last} * static_cast<int64_t>(layout_.instruction_bytes);
  } else {
    frame.offset = static_cast<int64_t>(WordAt(raw, layout_.instruction) - known.instructions);
  }
  constexpr int64_t kBeforeTheFirst = -2;
  if (frame.offset < kBeforeTheFirst || frame.offset >= static_cast<int64_t>(known.bytes)) return false;
  const auto line = ReadLine(*code, frame.offset);
  if (!line) return false;
  frame.line = *line;
  // The interpreter's own step between the call of a class and its __init__ (3.12 and later): no traceback
  // shows it.
  if (known.file != "__init__") thread.frames.push_back(frame);
  return true;
}

std::optional<uint32_t> PythonReader::ReadCode(uint64_t address) {
  if (const auto known = code_indices_.find(address); known != code_indices_.end()) return known->second;
  if (!objects_.Is(address, runtime_.types.code)) return std::nullopt;
  auto file = objects_.Text(memory_.Word(address + layout_.file), kFileCharacters);
  auto function = objects_.Text(memory_.Word(address + layout_.name), kFunctionCharacters);
  const auto line = memory_.Get<int32_t>(address + layout_.first_line);
  if (!file || !function || !line || *line < 0) return std::nullopt;
  PythonCode code{.address = address,
                  .file = *std::move(file),
                  .function = *std::move(function),
                  .first_line = *line,
                  .line_table = memory_.Word(address + layout_.line_table),
                  .instructions = 0,
                  .bytes = 0};
  if (layout_.frame_objects) {
    constexpr uint64_t kBytecode = 48;  // co_code
    code.bytes = objects_.ByteCount(memory_.Word(address + kBytecode)).value_or(0);
  } else {
    constexpr uint64_t kUnitBytes = 2;
    code.instructions = address + layout_.bytecode;
    code.bytes = memory_.Word(address + PythonObjects::kSizeAt) * kUnitBytes;
  }
  if (code.bytes == 0 || code.bytes > kMostInstructionBytes) return std::nullopt;
  const auto index = static_cast<uint32_t>(codes_.size());
  codes_.push_back(std::move(code));
  code_indices_.emplace(address, index);
  return index;
}

std::optional<int> PythonReader::ReadLine(uint32_t code, int64_t offset) {
  const auto key = std::pair(code, offset);
  if (const auto known = lines_.find(key); known != lines_.end()) return known->second;
  const auto table = objects_.Bytes(codes_[code].line_table, kLineTableBytes);
  if (!table) return std::nullopt;
  const auto line = LineAt(layout_.lines, *table, codes_[code].first_line, offset);
  if (line) lines_.emplace(key, *line);
  return line;
}

const PythonThread* PythonReader::ByIdent(uint64_t ident) const {
  const auto found = std::find_if(threads_.begin(), threads_.end(),
                                  [ident](const PythonThread& thread) { return thread.ident == ident; });
  return found == threads_.end() ? nullptr : &*found;
}

/// Of a thread that has several states (interpreters within interpreters) none tells where it is.
void PythonReader::DropDoubles() {
  std::map<pid_t, int> states;
  for (const PythonThread& thread : threads_) ++states[thread.id];
  std::erase_if(threads_, [&states](const PythonThread& thread) { return states[thread.id] > 1; });
}

}  // namespace imagebatch::runner
