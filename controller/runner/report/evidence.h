#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "hang/wait_graph.h"
#include "runner/awaited/awaited.h"
#include "runner/machine/machine.h"
#include "runner/output/line_tail.h"
#include "runner/proc/process_tree.h"
#include "runner/report/repeat_words.h"
#include "runner/stacks/stacks.h"

namespace imagebatch::runner {

/// One process of the tree at the moment of the verdict.
struct ProcessEvidence {
  pid_t pid = 0;
  pid_t parent = 0;
  char state = '?';
  uint32_t threads = 0;
  double cpu_seconds = 0;
  double age_seconds = 0;   // since it was started
  std::string wchan;        // where in the kernel the main thread sleeps; empty where that cannot be read
  std::string system_call;  // of the main thread: "futex", "running", a number we have no name for, or empty
  std::map<std::string, int> other_threads;   // system call -> threads that are in it
  std::string command;                        // secrets masked, not yet escaped
  std::vector<hang::WaitFor> waits_for = {};  // of its threads, each once, where it is part of a deadlock
};

struct Evidence {
  std::vector<std::string> deadlock;  // who waits for whom (hang::Sentences), where that is the verdict
  std::string not_needed;             // of dead processes that are not the verdict (hang::NotNeeded)
  WaitList waits;                     // what each process waits for
  RepeatList repeats;                 // the lines that came again and again
  Stacks stacks;
  std::vector<ProcessEvidence> processes;  // oldest first
  size_t more_processes = 0;               // that are not among them
  std::optional<size_t> connections;       // established TCP connections of the tree
  std::optional<Machine> machine;          // what the machine and the container had
  std::string explanation;                 // what explains the hang (ExplanationOf); before the message
  std::vector<std::string> output;         // the last lines, secrets masked, not yet escaped

  // By what equal hangs are known (report/alike.h); empty: not known yet
  std::string fingerprint, summary;
  double lasted_seconds = 0;          // the hang, when it was found
  std::vector<std::string> repeated;  // the lines since the last that said something new, as `output`
};

/// How many processes stay in the evidence; before it is compared, there may be more (see NameHang()).
inline constexpr size_t kMostProcesses = 64;

/// What there is to see of the tree right now; walks it anew. Bounded in size and time. `cost` is what the
/// reading of stacks took. Ends with NameHang(), once it is known what kind of hang it is.
Evidence CollectEvidence(ProcessTree& tree, const LineTail& tail, const WaitQuestion& question,
                         ReadingCost& cost);

/// What of the evidence explains a hang of this class, in one clause; empty where nothing does. A deadlock
/// has its own explanation.
std::string ExplanationOf(const Evidence& evidence, hang::Class hang_class);

/// The command line of a process, secrets masked; its name in brackets where it has none (a zombie).
std::string CommandOf(pid_t pid);

/// The name of a system call of this machine's architecture, from the text of /proc/PID/task/TID/syscall.
std::string SystemCallName(std::string_view text);

}  // namespace imagebatch::runner
