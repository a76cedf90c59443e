// The memory of a process that may have been made to mislead: an interpreter of any version with some bytes
// changed; and the tables and texts that come out of it.
#include "runner/stacks/stacks.h"

#include <memory>
#include <string>

#include "fuzz/fuzz.h"
#include "runner/stacks/mutex_owner.h"
#include "runner/stacks/python_reader.h"
#include "runner/stacks/python_tables.h"
#include "runner/stacks/seen_process.h"
#include "runner/stacks/source_line.h"
#include "runner/stacks/stack_groups.h"
#include "runner/stacks/stack_words.h"
#include "support/python_image.h"

using namespace imagebatch;
using testing::PythonImage;

namespace {

std::unique_ptr<PythonImage> MakeImage(unsigned minor, bool gnu_hash, PythonImage::Lock& lock) {
  auto image = std::make_unique<PythonImage>(minor, gnu_hash);
  const uint64_t outer = image->AddFrame(image->AddCode("/src/a.py", "<module>", 1), 0, 0);
  const uint64_t inner = image->AddFrame(image->AddCode("/src/a.py", "run", 9), outer, 1);
  image->AddThread(8, outer);
  lock = image->AddLock(minor % 2 == 0, image->LastIdent());
  image->PutSlot(inner, 1, lock.object);
  image->PutSlot(outer, 2, image->AddExit(lock.object));
  image->AddThread(7, inner);
  return image;
}

void CheckReader(std::string_view text) {
  const unsigned minor = 8 + fuzz::TakeByte(text) % 7;
  const bool gnu_hash = fuzz::TakeByte(text) % 2 == 0;
  PythonImage::Lock lock;
  const auto image = MakeImage(minor, gnu_hash, lock);
  auto& bytes = image->Memory().Bytes();
  // Two bytes say where, one what
  while (text.size() >= 3) {
    const size_t high = fuzz::TakeByte(text);
    const size_t low = fuzz::TakeByte(text);
    bytes[(high << 8 | low) % bytes.size()] = fuzz::TakeByte(text);
  }
  const auto runtime = runner::FindPython(image->Memory(), PythonImage::Maps());
  if (!runtime || !runtime->layout) return;
  runner::PythonReader reader(image->Memory(), *runtime, {{7, lock.futex}, {8, lock.futex + 8}});
  fuzz::Expect(reader.Threads().size() <= 2, "no more threads than there are");
  for (const runner::PythonThread& thread : reader.Threads()) {
    fuzz::Expect(thread.id == 7 || thread.id == 8, "a thread of the process");
    fuzz::Expect(thread.frames.size() <= runner::PythonReader::kMostFrames, "not more frames than are read");
    std::vector<runner::FrameWords> words;
    for (const runner::PythonFrame& frame : thread.frames) {
      const runner::PythonCode& code = reader.CodeOf(frame);
      fuzz::Expect(frame.line >= 0 && frame.line <= 10'000'000, "a line");
      fuzz::Expect(code.file.size() <= 4 * runner::PythonReader::kFileCharacters, "a path");
      words.push_back({code.file, code.function, frame.line});
    }
    const std::string stack =
        runner::DescribeStack(words, thread.more_frames,
                              [](const runner::FrameWords& frame) { return std::string(frame.function); });
    fuzz::Expect(stack.size() <= runner::kStackBytes, "a bounded line");
    if (thread.waits_for) reader.Holder(thread.waits_for->object);
  }
}

void CheckTexts(std::string_view text) {
  for (auto kind : {runner::LineTable::Increments, runner::LineTable::Ranges, runner::LineTable::Locations}) {
    const auto line = runner::LineAt(kind, text, 1, static_cast<int64_t>(text.size()));
    fuzz::Expect(!line || (*line >= 0 && *line <= 10'000'000), "a line");
  }
  fuzz::Expect(runner::KeptByHandler(text, static_cast<int64_t>(text.size())) >= 0, "a depth");
  runner::InnerId(text);
  fuzz::Expect(runner::LineForWords(text).size() <= 60, "a bounded line");
  runner::MutexWords words{};
  memcpy(words.data(), text.data(), std::min(text.size(), sizeof words));
  if (const auto owner = runner::OwnerOfMutex(words)) fuzz::Expect(*owner > 0, "a thread");
  if (const auto stacks = runner::Decode(text)) {
    const auto again = runner::Decode(runner::Encode(*stacks));
    fuzz::Expect(again && again->groups.size() == stacks->groups.size(), "what was read can be written");
  }
}

}  // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = fuzz::Text(data, size);
  CheckReader(text);
  CheckTexts(text);
  return 0;
}
