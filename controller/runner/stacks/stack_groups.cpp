#include "runner/stacks/stack_groups.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/text.h"
#include "runner/proc/proc_text.h"

namespace imagebatch::runner {
namespace {

constexpr size_t kMostPids = 256;  // of a group
constexpr size_t kLabelBytes = 40;
constexpr char kSeparator = '\x1f';  // in no text that is printable

bool SamePlace(const ThreadStack& one, const ThreadStack& other) {
  return one.at == other.at && one.waits == other.waits;
}

bool ReadsTheSame(const StackGroup& one, const StackGroup& other) {
  return one.python == other.python && one.more_threads == other.more_threads &&
         std::equal(one.threads.begin(), one.threads.end(), other.threads.begin(), other.threads.end(),
                    [](const ThreadStack& a, const ThreadStack& b) {
                      return SamePlace(a, b) &&
                             (a.thread == b.thread || (a.thread != "main" && b.thread != "main"));
                    });
}

/// Threads in the same place become one entry, where the first of them stands; the main thread stays alone.
void MergeThreads(StackGroup& group) {
  std::vector<std::pair<size_t, ThreadStack>> merged;
  for (ThreadStack& thread : group.threads) {
    const auto same = std::find_if(merged.begin(), merged.end(), [&thread](const auto& entry) {
      return entry.second.thread != "main" && SamePlace(entry.second, thread);
    });
    if (thread.thread == "main" || same == merged.end()) {
      merged.emplace_back(1, std::move(thread));
    } else {
      ++same->first;
    }
  }
  group.threads.clear();
  for (auto& [count, thread] : merged) {
    if (count > 1) thread.thread = std::to_string(count) + " threads";
    if (group.threads.size() < kMostStacksOfGroup) {
      group.threads.push_back(std::move(thread));
    } else {
      group.more_threads += count;
    }
  }
}

std::string Pids(const std::vector<pid_t>& pids) {
  constexpr size_t kMostNamed = 6;
  std::string text = pids.size() == 1 ? "pid " : "pids ";
  for (size_t index = 0; index < std::min(pids.size(), kMostNamed); ++index) {
    text += (index == 0 ? "" : ", ") + std::to_string(pids[index]);
  }
  if (pids.size() > kMostNamed) text += " and " + std::to_string(pids.size() - kMostNamed) + " more";
  return text;
}

std::string EncodeGroup(const StackGroup& group) {
  std::string text = "G";
  text += kSeparator + group.python + kSeparator + std::to_string(group.more_threads);
  for (pid_t pid : group.pids) text += kSeparator + std::to_string(pid);
  text += '\n';
  for (const ThreadStack& thread : group.threads) {
    text += "T";
    text += kSeparator + thread.thread + kSeparator + thread.at + kSeparator + thread.waits + kSeparator +
            thread.place + '\n';
  }
  return text;
}

template <class Number>
bool TakeNumber(std::string_view& line, Number& number) {
  const std::string_view word = TakeUntil(line, kSeparator);
  const auto [rest, error] = std::from_chars(word.data(), word.data() + word.size(), number);
  return error == std::errc() && rest == word.data() + word.size();
}

std::string TakeText(std::string_view& line, size_t limit) {
  return Printable(TakeUntil(line, kSeparator), limit);
}

bool DecodeGroup(std::string_view line, Stacks& stacks) {
  if (stacks.groups.size() == kMostStackGroups) return false;
  StackGroup group;
  group.python = TakeText(line, kLabelBytes);
  if (!TakeNumber(line, group.more_threads)) return false;
  while (!line.empty()) {
    pid_t pid = 0;
    if (!TakeNumber(line, pid) || pid <= 0 || group.pids.size() == kMostPids) return false;
    group.pids.push_back(pid);
  }
  if (group.pids.empty()) return false;
  stacks.groups.push_back(std::move(group));
  return true;
}

bool DecodeThread(std::string_view line, Stacks& stacks) {
  if (stacks.groups.empty() || stacks.groups.back().threads.size() == kMostStacksOfGroup) return false;
  ThreadStack thread;
  thread.thread = TakeText(line, kLabelBytes);
  thread.at = TakeText(line, kStackBytes);
  thread.waits = TakeText(line, kWaitBytes);
  thread.place = TakeText(line, kPlaceBytes);
  stacks.groups.back().threads.push_back(std::move(thread));
  return true;
}

constexpr std::string_view kEnd = "E\n";

}  // namespace

void StackGrouper::Add(pid_t pid, StackGroup one) {
  if (one.threads.empty() && one.python.empty()) return;
  MergeThreads(one);
  const auto same = std::find_if(groups_.begin(), groups_.end(),
                                 [&one](const StackGroup& group) { return ReadsTheSame(group, one); });
  if (same == groups_.end()) {
    one.pids = {pid};
    groups_.push_back(std::move(one));
    return;
  }
  same->pids.push_back(pid);
  // The id of a thread of one of them says nothing of the others.
  for (ThreadStack& thread : same->threads) {
    if (thread.thread.starts_with("thread ")) thread.thread = "a thread";
  }
}

void StackGrouper::AddNotRead(pid_t pid, const std::string& why) { not_read_[why].push_back(pid); }

Stacks StackGrouper::Take() {
  Stacks stacks;
  stacks.groups = std::exchange(groups_, {});
  if (stacks.groups.size() > kMostStackGroups) {
    size_t left_out = 0;
    for (size_t index = kMostStackGroups; index < stacks.groups.size(); ++index) {
      left_out += stacks.groups[index].pids.size();
    }
    stacks.groups.resize(kMostStackGroups);
    stacks.not_read.push_back("the stacks of " + std::to_string(left_out) + " processes are left out");
  }
  for (StackGroup& group : stacks.groups) {
    if (group.pids.size() > kMostPids) group.pids.resize(kMostPids);
  }
  for (const auto& [why, pids] : not_read_) {
    if (stacks.not_read.size() == kMostNotRead) break;
    stacks.not_read.push_back(Printable(Pids(pids) + ": " + why, kNotReadBytes));
  }
  not_read_.clear();
  return stacks;
}

std::string Encode(const Stacks& stacks) {
  constexpr size_t kReserved = 4096;  // for all of not_read
  std::string text;
  size_t left_out = 0;
  for (const StackGroup& group : stacks.groups) {
    const std::string part = EncodeGroup(group);
    if (text.size() + part.size() + kReserved > kEncodedBytes) {
      left_out += group.pids.size();
    } else {
      text += part;
    }
  }
  const auto say = [&text](const std::string& what) {
    text += "N";
    text += kSeparator + what + '\n';
  };
  if (left_out > 0) say("the stacks of " + std::to_string(left_out) + " processes are left out");
  for (const std::string& what : stacks.not_read) say(what);
  text += kEnd;
  return text;
}

std::optional<Stacks> Decode(std::string_view text) {
  Stacks stacks;
  if (text.size() > kEncodedBytes || !text.ends_with(kEnd)) return std::nullopt;
  text.remove_suffix(kEnd.size());
  while (!text.empty()) {
    std::string_view line = TakeUntil(text, '\n');
    const std::string_view kind = TakeUntil(line, kSeparator);
    bool good = false;
    if (kind == "G") good = DecodeGroup(line, stacks);
    if (kind == "T") good = DecodeThread(line, stacks);
    if (kind == "N" && stacks.not_read.size() <= kMostNotRead) {
      stacks.not_read.push_back(Printable(line, kNotReadBytes));
      good = true;
    }
    if (!good) return std::nullopt;
  }
  return stacks;
}

}  // namespace imagebatch::runner
