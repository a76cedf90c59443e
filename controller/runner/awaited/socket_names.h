#pragma once
#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runner/proc/descriptors.h"
#include "runner/traffic/socket_owners.h"

namespace imagebatch::runner {

/// A line of /proc/net/tcp, udp and their twins for IPv6.
struct InetRow {
  uint64_t inode = 0;
  std::string_view local, remote;  // as the kernel writes them
  unsigned state = 0;              // include/net/tcp_states.h
};
/// The row of socket `inode`.
std::optional<InetRow> FindInode(std::string_view table, uint64_t inode);
/// The row whose ends are those of `row` the other way round.
std::optional<InetRow> FindOtherEnd(std::string_view table, const InetRow& row);

/// "0100007F:1F90" is 127.0.0.1:8080, for IPv6 [::1]:8080; empty where it is neither. (The kernel writes the
/// words of an address in the machine's byte order.)
std::string AddressOf(std::string_view hex);

/// The path of a socket in the text of /proc/net/unix, up to a space, and empty where it has none; abstract
/// ones begin with "@". Nothing where the socket is not there.
std::optional<std::string_view> UnixPath(std::string_view table, uint64_t inode);

/// What a socket is, in words.
struct SocketName {
  std::string text;  // "TCP 10.0.0.5:443 (established)", "the UNIX socket /run/x.sock"
  bool listens = false;
  std::vector<int> holders;  // of its other end, in the tree; empty: none that is known
};

/// Names the sockets of a tree. The kernel's tables are read once for each network namespace, when they are
/// first needed.
class SocketNames {
 public:
  explicit SocketNames(const Scope& scope) : scope_(scope) {}

  SocketName Of(pid_t pid, uint64_t inode);

 private:
  struct Tables {
    std::string tcp, tcp6, udp, udp6, unix_sockets;
  };
  const Tables& TablesOf(pid_t pid);
  std::vector<int> HoldersOf(uint64_t inode);
  SocketName Tcp(const Tables& tables, const InetRow& row);
  SocketName Unix(const Tables& tables, uint64_t inode);

  const Scope& scope_;
  std::map<std::string, Tables> tables_;  // by network namespace
  std::optional<SocketOwners> owners_;
  std::optional<std::map<uint64_t, uint64_t>> peers_;  // of UNIX sockets of our namespace
};

}  // namespace imagebatch::runner
