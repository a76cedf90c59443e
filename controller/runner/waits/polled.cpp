#include "runner/waits/polled.h"

#include <poll.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include <charconv>

#include "runner/proc/files.h"
#include "runner/waits/pipe_holders.h"

namespace imagebatch::runner {
namespace {

constexpr uint64_t kMostDescriptors = 1024;
constexpr size_t kInfoBytes = size_t{64} << 10;
constexpr uint64_t kBitsPerWord = 64;

/// Copies `items` from another process's memory; false where that is not allowed, or not all of it is there.
template <class Item>
bool ReadMemory(pid_t pid, uint64_t address, std::vector<Item>& items) {
  const size_t bytes = items.size() * sizeof(Item);
  iovec local{items.data(), bytes};
  // An address of the other process, which we never use as a pointer.
  iovec remote{reinterpret_cast<void*>(address), bytes};  // NOLINT(performance-no-int-to-ptr)
  return process_vm_readv(pid, &local, 1, &remote, 1, 0) == static_cast<ssize_t>(bytes);
}

std::vector<int> OfPoll(pid_t pid, const UntimedCall& call) {
  if (call.count == 0 || call.count > kMostDescriptors) return {};
  std::vector<pollfd> polls(call.count);
  if (!ReadMemory(pid, call.address, polls)) return {};
  std::vector<int> descriptors;
  for (const pollfd& entry : polls) {
    if (entry.fd >= 0) descriptors.push_back(entry.fd);  // poll() passes over the others
  }
  return descriptors;
}

std::vector<int> OfSelect(pid_t pid, const UntimedCall& call) {
  if (call.count == 0 || call.count > kMostDescriptors) return {};
  std::vector<uint64_t> all((call.count + kBitsPerWord - 1) / kBitsPerWord);
  std::vector<uint64_t> words(all.size());
  for (uint64_t set : call.sets) {
    if (set == 0) continue;
    if (!ReadMemory(pid, set, words)) return {};
    for (size_t index = 0; index < all.size(); ++index) all[index] |= words[index];
  }
  std::vector<int> descriptors;
  for (uint64_t descriptor = 0; descriptor < call.count; ++descriptor) {
    if ((all[descriptor / kBitsPerWord] >> (descriptor % kBitsPerWord) & 1) != 0) {
      descriptors.push_back(static_cast<int>(descriptor));
    }
  }
  return descriptors;
}

/// The number behind `key` in `line`.
template <class Number>
bool NumberBehind(std::string_view line, std::string_view key, int base, Number& number) {
  const size_t at = line.find(key);
  if (at == std::string_view::npos) return false;
  line.remove_prefix(at + key.size());
  line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  return std::from_chars(line.data(), line.data() + line.size(), number, base).ec == std::errc();
}

std::string EpollInfo(const std::string& thread, const UntimedCall& call) {
  const std::string path = thread + "/fdinfo/" + std::to_string(call.descriptor);
  return ReadWhole(path.c_str(), kInfoBytes);
}

std::vector<int> OfEpoll(const std::string& thread, const UntimedCall& call) {
  const std::string info = EpollInfo(thread, call);
  if (info.size() == kInfoBytes) return {};
  std::vector<int> descriptors;
  for (const EpollTarget& target : ParseEpollInfo(info)) {
    // An instance keeps a file that was closed under its number; by now that may be another one.
    const auto end = PipeEndAt(thread + "/fd/", std::to_string(target.descriptor).c_str());
    if (!end || end->inode != target.inode) return {};
    descriptors.push_back(target.descriptor);
  }
  return descriptors;
}

}  // namespace

std::vector<EpollTarget> ParseEpollInfo(std::string_view text) {
  std::vector<EpollTarget> targets;
  while (!text.empty()) {
    const std::string_view line = TakeUntil(text, '\n');
    if (!line.starts_with("tfd:")) continue;
    EpollTarget target;
    NumberBehind(line, "tfd:", 10, target.descriptor);
    NumberBehind(line, "ino:", 16, target.inode);
    targets.push_back(target);
  }
  return targets;
}

std::vector<int> SomePolledDescriptors(pid_t pid, const std::string& thread, const UntimedCall& call) {
  if (call.kind != UntimedCall::Kind::Epoll) return PolledDescriptors(pid, thread, call);
  std::vector<int> descriptors;
  for (const EpollTarget& target : ParseEpollInfo(EpollInfo(thread, call))) {
    struct stat status {};
    const std::string path = thread + "/fd/" + std::to_string(target.descriptor);
    if (stat(path.c_str(), &status) == 0 && status.st_ino == target.inode)
      descriptors.push_back(target.descriptor);
  }
  return descriptors;
}

std::optional<uint64_t> AwaitedSignals(pid_t pid, const SystemCall& call) {
  std::vector<uint64_t> set(1);
  if (!ReadMemory(pid, call.arguments[0], set)) return std::nullopt;
  return set[0];
}

std::vector<int> PolledDescriptors(pid_t pid, const std::string& thread, const UntimedCall& call) {
  switch (call.kind) {
    case UntimedCall::Kind::Poll:
      return OfPoll(pid, call);
    case UntimedCall::Kind::Select:
      return OfSelect(pid, call);
    case UntimedCall::Kind::Epoll:
      return OfEpoll(thread, call);
    default:
      return {};
  }
}

}  // namespace imagebatch::runner
