// What the kernel writes below /proc, and what a program may make of it: names and paths are the program's.
#include "runner/proc/proc_text.h"

#include <algorithm>
#include <string>

#include "fuzz/fuzz.h"
#include "runner/proc/thread_status.h"
#include "runner/report/evidence.h"
#include "runner/waits/file_locks.h"
#include "runner/waits/polled.h"
#include "runner/waits/shared_memory.h"
#include "runner/waits/wait_call.h"

using namespace imagebatch;

namespace {

/// A program cannot change what else its stat line says by what it calls itself.
void CheckName(std::string_view name) {
  std::string line = "71 (";
  line += name.substr(0, 64);
  line += ") S 70 1 1 0 -1 4194304 1 2 3 4 11 12 13 14 20 0 5 0 4711 8192 99 0 0 0 0 0";
  const auto stat = runner::ParseStat(line);
  fuzz::Expect(stat && stat->pid == 71 && stat->parent == 70 && stat->state == 'S' && stat->own_ticks == 23 &&
                   stat->reaped_ticks == 27 && stat->threads == 5 && stat->start_ticks == 4711,
               "a name is only a name");
}

}  // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = fuzz::Text(data, size);
  CheckName(text);
  runner::ParseStat(text);
  runner::ParseIo(text);
  runner::ParseNetDev(text);
  runner::ParseThreadStatus(text);
  runner::ParseSystemCall(text);
  runner::ParseEpollInfo(text);
  fuzz::Expect(runner::SystemCallName(text).size() <= text.size() + 16,
               "a name or the text's own first word");
  fuzz::Expect(runner::LocksWaitedFor(text, 71, 131).size() <= text.size(), "no more locks than lines");
  for (const char* controller : {"", "cpuacct"}) {
    const size_t half = size / 2;
    fuzz::Expect(runner::CgroupDirectory(text.substr(0, half), text.substr(half), controller).size() <= size,
                 "a path is put together from what is there");
  }
  if (const auto mapping = runner::MappingAt(text, 0x7f0000001000)) {
    fuzz::Expect(mapping->begin <= 0x7f0000001000 && 0x7f0000001000 < mapping->end,
                 "the mapping of the address");
  }
  return 0;
}
