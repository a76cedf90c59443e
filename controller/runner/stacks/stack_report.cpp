#include "runner/stacks/stack_report.h"

#include <algorithm>

#include "runner/stacks/source_line.h"
#include "runner/stacks/stack_groups.h"
#include "runner/waits/shared_memory.h"
#include "runner/waits/wait_call.h"

namespace imagebatch::runner {
namespace {

std::vector<FrameWords> WordsOf(const PythonReader& reader, const PythonThread& thread) {
  std::vector<FrameWords> words;
  words.reserve(thread.frames.size());
  for (const PythonFrame& frame : thread.frames) {
    const PythonCode& code = reader.CodeOf(frame);
    words.push_back({code.file, code.function, frame.line});
  }
  return words;
}

std::string LabelOf(const SeenProcess& process, const SeenThread& thread) {
  return thread.id == process.stat.pid ? "main" : "thread " + std::to_string(thread.id);
}

/// A thread that ticks: where it is depends on the moment.
bool HasTimeLimit(const SeenThread& thread) {
  const auto call = ParseSystemCall(thread.call);
  const CallNumbers* numbers = NativeCalls();
  if (!call || numbers == nullptr) return false;
  return Sleeps(*call, *numbers) || TakeLimit(*call, *numbers).timed;
}

std::string UnknownVersion(const PythonRuntime& runtime) {
  if (runtime.version.minor == 0) return "a Python whose version is not known here: its stacks are not read";
  return "Python " + runtime.version.Text() + " is not known here: its stacks are not read";
}

}  // namespace

StackReport::StackReport(const std::vector<SeenProcess>& seen) {
  size_t threads = 0;
  for (const SeenProcess& process : seen) {
    Read(process, threads);
    threads += process.threads.size();
  }
  FindParents();
}

void StackReport::Read(const SeenProcess& seen, size_t first_thread) {
  auto process = std::make_unique<Process>();
  process->seen = &seen;
  process->first_thread = first_thread;
  if (seen.problem.empty() && seen.memory.Open()) {
    process->memory = std::make_unique<ProcessMemory>(seen.memory);
    process->runtime = FindPython(*process->memory, ReadMaps(seen.stat.pid));
    if (process->runtime && process->runtime->layout) {
      std::vector<KernelThread> threads;
      for (const SeenThread& thread : seen.threads) threads.push_back({thread.inner_id, FutexOf(thread)});
      process->reader =
          std::make_unique<PythonReader>(*process->memory, *process->runtime, std::move(threads));
    }
  }
  processes_.push_back(std::move(process));
}

/// The stack of a program begins at a random address, which only a copy made by fork() shares.
void StackReport::FindParents() {
  for (const auto& process : processes_) {
    const ProcessStat& stat = process->seen->stat;
    const auto found = std::find_if(processes_.begin(), processes_.end(), [&stat](const auto& other) {
      return other->seen->stat.pid == stat.parent;
    });
    if (found == processes_.end()) continue;
    process->parent = found->get();
    const ProcessStat& parent = process->parent->seen->stat;
    process->forked = stat.stack_start != 0 && stat.stack_start == parent.stack_start;
  }
}

std::optional<size_t> StackReport::IndexOf(const Process& process, pid_t inner_id) {
  const auto& threads = process.seen->threads;
  for (size_t index = 0; index < threads.size(); ++index) {
    if (threads[index].inner_id == inner_id) return index;
  }
  return std::nullopt;
}

std::optional<size_t> StackReport::StillIndexOf(const Process& process, pid_t inner_id) const {
  const auto index = IndexOf(process, inner_id);
  return index && Still(process, *index) ? index : std::nullopt;
}

Stacks StackReport::Write(const std::vector<bool>& still) {
  still_ = still;
  Stacks stacks;
  StackGrouper grouper;
  for (const auto& process : processes_) {
    const SeenProcess& seen = *process->seen;
    if (seen.gone) continue;
    if (!seen.problem.empty()) {
      grouper.AddNotRead(seen.stat.pid, seen.problem);
    } else if (process->runtime && !process->reader) {
      grouper.AddNotRead(seen.stat.pid, UnknownVersion(*process->runtime));
    } else if (StackGroup group = Describe(*process);
               process->reader && group.threads.empty() && group.more_threads == 0) {
      grouper.AddNotRead(seen.stat.pid,
                         "Python " + group.python + ", but its threads are not as they must be");
    } else {
      grouper.Add(seen.stat.pid, std::move(group));
    }
  }
  return grouper.Take();
}

StackGroup StackReport::Describe(Process& process) {
  const SeenProcess& seen = *process.seen;
  StackGroup group;
  if (process.reader) group.python = process.runtime->version.Text();
  size_t known = 0;  // of Python's threads, those that stood still
  for (size_t index = 0; index < seen.threads.size(); ++index) {
    if (!Still(process, index)) continue;
    ThreadStack stack{.thread = LabelOf(seen, seen.threads[index]), .at = {}, .waits = {}};
    if (const PythonThread* python = PythonThreadOf(process, seen.threads[index].inner_id)) {
      ++known;
      DescribeAt(process, *python, stack);
      if (index > 0 && HasTimeLimit(seen.threads[index])) stack.place.clear();
      stack.waits = LockWords(process, *python);
    }
    if (stack.waits.empty()) stack.waits = FutexWords(process, index);
    if (!stack.at.empty() || !stack.waits.empty()) group.threads.push_back(std::move(stack));
  }
  if (process.reader) {
    group.more_threads =
        process.reader->Threads().size() - known + process.reader->Unreadable() + seen.more_threads;
  }
  return group;
}

void StackReport::DescribeAt(const Process& process, const PythonThread& thread, ThreadStack& stack) const {
  if (thread.frames.empty()) return;
  const SeenProcess& seen = *process.seen;
  const auto words = WordsOf(*process.reader, thread);
  const auto source = [&seen](const FrameWords& frame) {
    return SourceLine(seen.stat.pid, seen.user, frame.file, frame.line);
  };
  stack.at = DescribeStack(words, thread.more_frames, source);
  stack.place = DescribePlace(words, source);
}

const PythonThread* StackReport::PythonThreadOf(const Process& process, pid_t inner_id) {
  if (!process.reader) return nullptr;
  for (const PythonThread& thread : process.reader->Threads()) {
    if (thread.id == inner_id) return &thread;
  }
  return nullptr;
}

std::string StackReport::WhereIs(const Process& process, pid_t inner_id) const {
  const PythonThread* thread = PythonThreadOf(process, inner_id);
  if (thread == nullptr || thread->frames.empty() || !StillIndexOf(process, inner_id)) return {};
  const auto words = WordsOf(*process.reader, *thread);
  return ", which is at " + Place(words[OwnFrame(words)]);
}

}  // namespace imagebatch::runner
