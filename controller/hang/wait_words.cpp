#include "hang/wait_words.h"

#include <algorithm>
#include <set>

#include "base/short_name.h"

namespace imagebatch::hang {
namespace {

constexpr size_t kMostPids = 6;       // in one list
constexpr size_t kCommandBytes = 60;  // in one sentence
constexpr size_t kObjectBytes = 80;
constexpr size_t kMostHops = 4;

std::string Cut(std::string text, size_t limit) {
  if (text.size() <= limit) return text;
  text.resize(limit - 3);
  return text + "...";
}

/// Those who could end the wait of `pid`, itself left out.
std::set<int> Others(const std::vector<int>& wakers, int pid) {
  std::set<int> others(wakers.begin(), wakers.end());
  others.erase(pid);
  return others;
}

/// "pid 7, which waits too", "pids 7, 8 and 3 more, which wait too".
std::string List(const std::set<int>& pids) {
  std::string list = pids.size() == 1 ? "pid " : "pids ";
  size_t named = 0;
  for (int pid : pids) {
    if (named == kMostPids) break;
    if (named++ > 0) list += ", ";
    list += std::to_string(pid);
  }
  if (named < pids.size()) list += " and " + std::to_string(pids.size() - named) + " more";
  return list + (pids.size() == 1 ? ", which waits too" : ", which wait too");
}

/// What stands behind "waits for".
std::string Object(const Wait& wait, int pid) {
  const std::set<int> others = Others(wait.wakers, pid);
  const std::string whom = others.empty() ? "this process alone" : List(others);
  const std::string object = PathTail(wait.object, kObjectBytes);
  switch (wait.what) {
    case WaitFor::Anything:
      break;
    case WaitFor::OwnLock:
      return "a lock (futex) of its own process, where nobody is awake";
    case WaitFor::SharedLock:
      return "a lock (futex) in memory shared by " + whom;
    case WaitFor::Children:
      return "the end of a child, " + whom;
    case WaitFor::PipeData:
      return "data from " + object + ", its other end held by " + whom;
    case WaitFor::PipeRoom:
      return "room in " + object + ", its other end held by " + whom;
    case WaitFor::PipeEvents:
      return "the other end of " + object + ", held by " + whom;
    case WaitFor::FileLock:
      return "a lock on " + object + ", held by " + whom;
  }
  return "anything";
}

/// "all 2 threads wait for A" or "of its 3 threads 2 wait for A; 1 waits for B"; what most of them wait for
/// first.
std::string Waits(const WaitingProcess& process) {
  std::vector<std::pair<size_t, std::string>> counted;
  for (const Wait& wait : process.waits) {
    const std::string object = Object(wait, process.pid);
    const auto known = std::find_if(counted.begin(), counted.end(),
                                    [&object](const auto& entry) { return entry.second == object; });
    if (known == counted.end()) {
      counted.emplace_back(1, object);
    } else {
      ++known->first;
    }
  }
  std::stable_sort(counted.begin(), counted.end(),
                   [](const auto& one, const auto& other) { return one.first > other.first; });
  const size_t threads = process.waits.size();
  if (threads == 1) return "its only thread waits for " + counted.front().second;
  if (counted.size() == 1) {
    return "all " + std::to_string(threads) + " threads wait for " + counted.front().second;
  }
  std::string text = "of its " + std::to_string(threads) + " threads ";
  for (const auto& [count, object] : counted) {
    if (&object != &counted.front().second) text += "; ";
    text += std::to_string(count) + (count == 1 ? " waits for " : " wait for ") + object;
  }
  return text;
}

/// The one whom `process` waits for: someone new where there is one, itself where there is nobody else.
int Next(const WaitingProcess& process, const std::set<int>& visited) {
  int next = process.pid;
  for (const Wait& wait : process.waits) {
    // Who else has its memory is no news: they are the same threads, or only look like it.
    if (wait.what == WaitFor::OwnLock) continue;
    for (int pid : Others(wait.wakers, process.pid)) {
      if (!visited.contains(pid)) return pid;
      next = pid;
    }
  }
  return next;
}

std::string_view Kind(WaitFor what) {
  switch (what) {
    case WaitFor::OwnLock:
    case WaitFor::SharedLock:
      return "a lock only it could release";
    case WaitFor::FileLock:
      return "a file lock only it could release";
    default:
      return "a pipe only it holds";
  }
}

}  // namespace

std::vector<std::string> Sentences(const std::vector<WaitingProcess>& dead,
                                   const std::function<std::string(int pid)>& command) {
  std::vector<std::string> sentences;
  for (const WaitingProcess& process : dead) {
    if (sentences.size() == kMostSentences) break;
    sentences.push_back(Cut("pid " + std::to_string(process.pid) + " " +
                                ShortCommand(command(process.pid), kCommandBytes) + ": " + Waits(process),
                            kSentenceBytes));
  }
  return sentences;
}

std::string Chain(const std::vector<WaitingProcess>& dead) {
  std::set<int> visited;
  const WaitingProcess* process = &dead.front();
  std::string text = "pid " + std::to_string(process->pid) + " waits";
  for (size_t hop = 0; hop < kMostHops; ++hop) {
    visited.insert(process->pid);
    const int next = Next(*process, visited);
    if (hop > 0) text += ", which waits";
    if (next == process->pid) return text + " for " + std::string(Kind(process->waits.front().what));
    text += " for pid " + std::to_string(next);
    if (visited.contains(next)) return text;
    process = &*std::find_if(dead.begin(), dead.end(),
                             [next](const WaitingProcess& member) { return member.pid == next; });
  }
  return text + ", and so on";
}

std::string NotNeeded(const DividedPart& part) {
  if (part.others.empty()) return {};
  const size_t count = part.others.size();
  const std::string_view kind = part.others_awaited ? "" : "leftover ";
  const std::string whom = count == 1 ? "it" : "them";
  const std::string more =
      part.others_awaited ? ", but the build may not need " + whom + ", or a time limit may end " + whom : "";
  return std::to_string(count) + " " + std::string(kind) + (count == 1 ? "process is" : "processes are") +
         " dead" + more + ": " + Chain(part.others);
}

}  // namespace imagebatch::hang
