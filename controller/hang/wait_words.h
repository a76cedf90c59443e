#pragma once
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "hang/needed_part.h"
#include "hang/wait_graph.h"

namespace imagebatch::hang {

inline constexpr size_t kMostSentences = 16;
inline constexpr size_t kSentenceBytes = 320;

/// What each process of a dead part waits for and who holds it, one short sentence for a process, at most
/// kMostSentences of kSentenceBytes. `command` gives a process's command line by its pid; neither that nor
/// what stands in Wait::object is escaped.
std::vector<std::string> Sentences(const std::vector<WaitingProcess>& dead,
                                   const std::function<std::string(int pid)>& command);

/// The heart of it, from the first process along those it waits for: "pid 7 waits for pid 9, which waits for
/// a lock only it could release". Pids and words of ours alone, at most 150 bytes. `dead` is not empty.
std::string Chain(const std::vector<WaitingProcess>& dead);

/// Of dead processes that are no deadlock of the build: "3 leftover processes are dead: pid 7 waits for a
/// lock only it could release". At most 260 bytes; empty where there are none.
std::string NotNeeded(const DividedPart& part);

}  // namespace imagebatch::hang
