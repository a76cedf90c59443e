#include "runner/traffic/traffic.h"

#include <fcntl.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "runner/proc/files.h"

namespace imagebatch::runner {
namespace {

using std::chrono::steady_clock;

/// One part in so many of a core, for looks and for searches each.
constexpr int kShare = 200;
/// Sockets change their owners by fork and by being handed on.
constexpr std::chrono::seconds kSearchAgain{30};

}  // namespace

void Traffic::Look(hang::TimePoint now, const std::vector<ProcessStat>& tree, uint64_t own_bytes) {
  if (now < next_look_) return;
  looked_ = now;
  const auto before = OwnCpu();
  steady_clock::duration search{0};
  const bool counted = tables_.Read();
  if ((HasUnknown() && now >= next_search_) || now >= search_again_) {
    const auto before_search = OwnCpu();
    FindOwners(tree);
    search = OwnCpu() - before_search;
    next_search_ = now + search * kShare;
    search_again_ = now + std::max<steady_clock::duration>(search * kShare, kSearchAgain);
  }
  const bool unclear = !counted || !owners_.complete;
  connected_ = unclear;
  connections_.clear();
  AddTcp(now);
  AddOthers(now, tree);
  CountInterfaces(unclear || AloneWithUdp(), own_bytes);
  if (!waits_.AtWork()) asked_ = 0;
  next_look_ = now + (OwnCpu() - before - search) * kShare;
}

bool Traffic::IsUpToDate(hang::TimePoint now) {
  // Who spins for ever is at work for ever.
  constexpr int kPatience = 5;
  if (looked_ == now && (!waits_.AtWork() || asked_ == kPatience)) return true;
  if (asked_ < kPatience) ++asked_;
  next_look_ = next_search_ = {};
  return false;
}

bool Traffic::HasUnknown() const {
  const auto unknown = [this](uint64_t inode) {
    return !std::binary_search(searched_.begin(), searched_.end(), inode);
  };
  return std::any_of(tables_.Tcp().begin(), tables_.Tcp().end(),
                     [&](const TcpSocket& socket) { return unknown(socket.inode); }) ||
         std::any_of(tables_.Unix().begin(), tables_.Unix().end(),
                     [&](const UnixSocket& socket) { return unknown(socket.inode); }) ||
         std::any_of(tables_.Uncounted().begin(), tables_.Uncounted().end(), unknown);
}

void Traffic::FindOwners(const std::vector<ProcessStat>& tree) {
  searched_ = tables_.Uncounted();
  for (const TcpSocket& socket : tables_.Tcp()) searched_.push_back(socket.inode);
  for (const UnixSocket& socket : tables_.Unix()) searched_.push_back(socket.inode);
  std::sort(searched_.begin(), searched_.end());
  owners_ = ReadSocketOwners(tree);
}

void Traffic::AddTcp(hang::TimePoint now) {
  std::set<uint64_t> ends;
  for (const TcpSocket& socket : tables_.Tcp()) {
    if (owners_.Has(socket.inode)) ends.insert(socket.local);
  }
  for (const TcpSocket& socket : tables_.Tcp()) {
    if (!owners_.Has(socket.inode)) continue;
    connected_ |= !ends.contains(socket.peer);
    connections_.push_back({.id = socket.inode,
                            .peer = socket.peer,
                            .received = socket.received,
                            .messages = socket.segments,
                            .sent = socket.sent,
                            .last = now - std::chrono::milliseconds(socket.quiet_ms)});
  }
}

void Traffic::AddOthers(hang::TimePoint now, const std::vector<ProcessStat>& tree) {
  std::map<pid_t, std::set<int>> held;
  const auto add = [&](uint64_t inode) {
    for (const OwnedSocket& socket : owners_.Of(inode)) held[socket.pid].insert(socket.descriptor);
  };
  for (const UnixSocket& socket : tables_.Unix()) {
    if (!owners_.Has(socket.inode) || owners_.Has(socket.peer)) continue;
    connected_ = true;
    add(socket.inode);
  }
  for (uint64_t inode : tables_.Uncounted()) add(inode);
  for (const auto& [pid, descriptors] : held) {
    if (const ProcessStat* process = FindProcess(tree, pid)) waits_.Look(now, *process, descriptors);
  }
  waits_.Collect(connections_);
}

bool Traffic::AloneWithUdp() const {
  const auto is_ours = [this](uint64_t inode) { return owners_.Has(inode); };
  return !tables_.Uncounted().empty() &&
         std::all_of(tables_.Uncounted().begin(), tables_.Uncounted().end(), is_ours) &&
         std::all_of(tables_.Tcp().begin(), tables_.Tcp().end(),
                     [&](const TcpSocket& socket) { return is_ours(socket.inode); });
}

void Traffic::CountInterfaces(bool ours, uint64_t own_bytes) {
  std::map<pid_t, uint64_t> now;
  if (const auto total = ours ? network_.Total() : std::nullopt)
    now[0] = *total - std::min(*total, own_bytes);
  for (pid_t pid : owners_.namespaces) {
    char text[8192];
    const std::string path = "/proc/" + std::to_string(pid) + "/net/dev";
    const std::string_view interfaces = ReadSmall(AT_FDCWD, path.c_str(), text, sizeof text - 1);
    if (!interfaces.empty()) now[pid] = ParseNetDev(interfaces);
  }
  for (const auto& [pid, bytes] : now) {
    const auto before = interfaces_.find(pid);
    const uint64_t start = before == interfaces_.end() ? bytes : std::min(before->second, bytes);
    interface_bytes_ = interface_bytes_.value_or(0) + bytes - start;
  }
  interfaces_ = std::move(now);
}

}  // namespace imagebatch::runner
