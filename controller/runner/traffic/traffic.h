#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "hang/arrivals.h"
#include "runner/proc/counters.h"
#include "runner/proc/process_tree.h"
#include "runner/traffic/socket_owners.h"
#include "runner/traffic/socket_tables.h"
#include "runner/traffic/socket_waits.h"

namespace imagebatch::runner {

/// What the processes of the tree send and receive, by their own sockets: other containers of the Pod share
/// its network, and their traffic says nothing of the build.
///
/// TCP is counted by its payload. Of AF_UNIX, and of UDP, there is what SocketWaits sees; of AF_UNIX only
/// where the other end is outside of the tree. A UDP socket that comes and goes between two looks, as one of
/// a name's lookup does, is not seen, and is no work by itself. What is sent over UDP counts by the
/// interfaces of our namespace, as long as the tree holds such a socket and nobody else a socket there.
/// Processes in a network namespace of their own (the steps of a builder) count by its interfaces, which
/// nobody else has.
///
/// Where the kernel does not tell the bytes of TCP, SocketWaits looks at its sockets too; there, and where
/// the sockets of a process cannot be read, the interfaces of our namespace count as well: what is a
/// sidecar's may then be taken for the build's, and not the other way round.
class Traffic {
 public:
  /// Looks at the tree; so rarely that it takes a small share of a core. Between two looks nothing is new.
  /// `own_bytes` is what the runner itself has put on the network so far.
  void Look(hang::TimePoint now, const std::vector<ProcessStat>& tree, uint64_t own_bytes);
  /// Whether Look() has looked at `now`, and at nobody who was at work on what came. If not, the next call
  /// will look, whatever it takes: on a busy machine looks may be rarer than a short limit is long.
  bool IsUpToDate(hang::TimePoint now);

  const std::vector<hang::Connection>& Connections() const { return connections_; }
  /// Bytes sent through the interfaces that count, while they did; absent where none has.
  std::optional<uint64_t> InterfaceBytes() const { return interface_bytes_; }
  /// Whether a process of the tree has a connection to the outside that may have a builder at its other end;
  /// true where that is not known.
  bool Connected() const { return connected_; }

 private:
  bool HasUnknown() const;
  void FindOwners(const std::vector<ProcessStat>& tree);
  void AddTcp(hang::TimePoint now);
  void AddOthers(hang::TimePoint now, const std::vector<ProcessStat>& tree);
  bool AloneWithUdp() const;
  void CountInterfaces(bool ours, uint64_t own_bytes);

  SocketTables tables_;
  SocketOwners owners_;
  std::vector<uint64_t> searched_;  // inodes whose owners were looked for, in ascending order
  SocketWaits waits_;
  NetworkBytes network_;
  int asked_ = 0;  // in a row, because somebody was at work
  hang::TimePoint looked_, next_look_, next_search_, search_again_;
  std::vector<hang::Connection> connections_;
  std::optional<uint64_t> interface_bytes_;
  std::map<pid_t, uint64_t> interfaces_;  // that counted at the last look, by a process of theirs; 0: ours
  bool connected_ = true;
};

}  // namespace imagebatch::runner
