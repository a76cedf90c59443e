#include "runner/awaited/sentences.h"

#include <algorithm>
#include <chrono>

#include "base/short_name.h"
#include "base/text.h"

namespace imagebatch::runner {
namespace {

constexpr size_t kCommandBytes = 60, kClauseCommandBytes = 32;
constexpr size_t kMostPids = 4, kMostNames = 3, kMostKinds = 4;
constexpr size_t kNameBytes = 15;

/// Threads of one process that do the same.
struct Alike {
  const ThreadWait* first = nullptr;
  size_t count = 0;
  std::vector<std::string> names;
  bool main = false;
};

struct Group {
  std::vector<pid_t> pids;
  std::string command, does;
  Explains explains = Explains::Unknown;
  const ThreadWait* best = nullptr;
  std::optional<hang::Duration> stood;  // the shortest of all; absent: one has run
};

int Rank(Explains explains, bool busy) {
  if (explains == Explains::Runs && busy) return -1;
  return static_cast<int>(explains);
}

std::vector<Alike> ByWhatTheyDo(const ProcessWait& process, bool busy) {
  std::vector<Alike> kinds;
  for (const ThreadWait& thread : process.threads) {
    auto at = std::find_if(kinds.begin(), kinds.end(),
                           [&thread](const Alike& kind) { return kind.first->does == thread.does; });
    if (at == kinds.end()) at = kinds.insert(kinds.end(), Alike{.first = &thread, .names = {}});
    ++at->count;
    at->main = at->main || &thread == &process.threads.front();
    if (!thread.name.empty() && at->names.size() < kMostNames &&
        std::find(at->names.begin(), at->names.end(), thread.name) == at->names.end())
      at->names.push_back(thread.name);
  }
  std::stable_sort(kinds.begin(), kinds.end(), [busy](const Alike& one, const Alike& other) {
    return Rank(one.first->explains, busy) < Rank(other.first->explains, busy);
  });
  return kinds;
}

/// "main", "18 threads (GC Thread#0, G1 Conc#0, ...)"
std::string Who(const Alike& kind) {
  if (kind.count == 1 && kind.main) return "the main thread";
  std::string names;
  for (const std::string& name : kind.names) {
    if (!names.empty()) names += ", ";
    names += Cut(name, kNameBytes);
  }
  if (!names.empty()) names = " (" + names + (kind.count > kind.names.size() ? ", ...)" : ")");
  return kind.count == 1 ? "1 thread" + names : "each of " + std::to_string(kind.count) + " threads" + names;
}

/// What the process does, in the singular.
std::string Does(const ProcessWait& process, const std::vector<Alike>& kinds) {
  if (process.threads.size() == 1 && process.more_threads == 0) return kinds.front().first->does;
  std::string text;
  for (size_t index = 0; index < std::min(kMostKinds, kinds.size()); ++index) {
    if (!text.empty()) text += "; ";
    text += Who(kinds[index]) + " " + kinds[index].first->does;
  }
  size_t left = process.more_threads;
  for (size_t index = kMostKinds; index < kinds.size(); ++index) left += kinds[index].count;
  return left == 0 ? text : text + "; " + std::to_string(left) + " more threads";
}

std::string Pids(const std::vector<pid_t>& pids) {
  std::string text;
  for (size_t index = 0; index < std::min(kMostPids, pids.size()); ++index)
    text += (index == 0 ? "" : ", ") + std::to_string(pids[index]);
  return pids.size() > kMostPids ? text + ", ..." : text;
}

std::string For(const std::optional<hang::Duration>& stood) {
  const auto seconds = stood ? std::chrono::duration_cast<std::chrono::seconds>(*stood).count() : 0;
  return seconds < 1 ? "" : ", for at least " + std::to_string(seconds) + " s";
}

std::string Sentence(const Group& group) {
  const std::string end = For(group.stood);
  std::string text = group.pids.size() == 1 ? "pid " + Pids(group.pids) + " " + group.command + ": "
                                            : std::to_string(group.pids.size()) + " processes alike (pids " +
                                                  Pids(group.pids) + ") " + group.command + ": each ";
  return Printable(text + group.does, kWaitSentenceBytes - end.size()) + end;
}

/// "pid 7 (curl) waits for data from TCP 10.0.0.5:443 (established), for at least 150 s"
std::string Clause(const Group& group) {
  const std::string end = For(group.best->stood);
  const std::string command = "(" + ShortCommand(group.command, kClauseCommandBytes) + ") ";
  const std::string who = group.pids.size() == 1
                              ? "pid " + Pids(group.pids) + " " + command
                              : "each of " + std::to_string(group.pids.size()) + " processes " + command;
  return Printable(who + group.best->does, kWaitClauseBytes - end.size()) + end;
}

}  // namespace

WaitList WaitSentences(const std::vector<ProcessWait>& processes, bool busy) {
  std::vector<Group> groups;
  for (const ProcessWait& process : processes) {
    if (process.threads.empty()) continue;
    const std::vector<Alike> kinds = ByWhatTheyDo(process, busy);
    Group one{.pids = {process.pid},
              .command = ShortCommand(process.command, kCommandBytes),
              .does = Does(process, kinds),
              .explains = kinds.front().first->explains,
              .best = kinds.front().first,
              .stood = process.threads.front().stood};
    for (const ThreadWait& thread : process.threads)
      one.stood = one.stood && thread.stood ? std::min(one.stood, thread.stood) : std::nullopt;
    const auto same = std::find_if(groups.begin(), groups.end(), [&one](const Group& group) {
      return group.command == one.command && group.does == one.does;
    });
    if (same == groups.end()) {
      groups.push_back(std::move(one));
      continue;
    }
    same->pids.push_back(process.pid);
    same->stood = same->stood && one.stood ? std::min(same->stood, one.stood) : std::nullopt;
  }
  // The youngest are at the bottom of the tree, where the work is stuck.
  std::reverse(groups.begin(), groups.end());
  std::stable_sort(groups.begin(), groups.end(), [busy](const Group& one, const Group& other) {
    return Rank(one.explains, busy) < Rank(other.explains, busy);
  });
  WaitList list;
  for (const Group& group : groups) {
    if (list.sentences.size() == kMostWaits) break;
    list.sentences.push_back(Sentence(group));
  }
  const auto says_something = [busy](Explains explains) {
    return explains != Explains::Unknown && (explains != Explains::Runs || busy);
  };
  if (!groups.empty() && says_something(groups.front().explains)) list.clause = Clause(groups.front());
  return list;
}

}  // namespace imagebatch::runner
