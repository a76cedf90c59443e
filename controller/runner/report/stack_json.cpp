#include "runner/report/stack_json.h"

#include <algorithm>

#include "contract/contract.h"

namespace imagebatch::runner {
namespace {

namespace key = contract::key;

void WriteThread(JsonWriter& json, const ThreadStack& thread, size_t bytes) {
  json.BeginObject();
  json.Key(key::kThread).String(thread.thread, 40);
  if (!thread.at.empty()) json.Key(key::kAt).String(thread.at, bytes);
  if (!thread.waits.empty()) json.Key(key::kWaitsFor).String(thread.waits, bytes);
  json.EndObject();
}

void WriteGroup(JsonWriter& json, const StackGroup& group, const StackDetail& detail) {
  constexpr size_t kMostPids = 16;
  json.BeginObject();
  json.Key(key::kPids).BeginArray();
  for (size_t index = 0; index < std::min(kMostPids, group.pids.size()); ++index) {
    json.Integer(group.pids[index]);
  }
  json.EndArray();
  if (group.pids.size() > kMostPids) {
    json.Key("morePids").Integer(static_cast<int64_t>(group.pids.size() - kMostPids));
  }
  if (!group.python.empty()) json.Key(key::kPython).String(group.python, 24);
  const size_t threads = std::min(detail.threads, group.threads.size());
  json.Key(key::kThreads).BeginArray();
  for (size_t index = 0; index < threads; ++index) WriteThread(json, group.threads[index], detail.bytes);
  json.EndArray();
  const size_t more = group.more_threads + group.threads.size() - threads;
  if (more > 0) json.Key(key::kMoreThreads).Integer(static_cast<int64_t>(more));
  json.EndObject();
}

}  // namespace

void WriteStacks(JsonWriter& json, const Stacks& stacks, const StackDetail& detail) {
  const size_t shown = std::min(detail.groups, stacks.groups.size());
  const size_t first = stacks.groups.size() - shown;
  size_t more = 0;
  for (size_t index = 0; index < first; ++index) more += stacks.groups[index].pids.size();
  if (shown > 0) {
    json.Key(key::kStacks).BeginArray();
    for (size_t index = first; index < stacks.groups.size(); ++index) {
      WriteGroup(json, stacks.groups[index], detail);
    }
    json.EndArray();
  }
  if (more > 0) json.Key(key::kMoreStacks).Integer(static_cast<int64_t>(more));
  if (stacks.not_read.empty() || detail.groups == 0) return;
  json.Key(key::kNotRead).BeginArray();
  for (size_t index = 0; index < std::min(detail.groups, stacks.not_read.size()); ++index) {
    json.String(stacks.not_read[index], std::min(kNotReadBytes, detail.bytes));
  }
  json.EndArray();
}

}  // namespace imagebatch::runner
