#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

#include "runner/proc/files.h"

namespace imagebatch::runner {

/// A TCP connection of this network namespace. Bytes are those of its payload: a keepalive has none.
struct TcpSocket {
  uint64_t inode = 0;
  uint64_t local = 0;     // a hash of its address and port
  uint64_t peer = 0;      // the same of its other end
  uint64_t received = 0;  // and taken by a process
  uint64_t sent = 0;      // and acknowledged
  uint64_t segments = 0;  // with payload, received
  uint32_t quiet_ms = 0;  // since the last of them came
};

/// A connected stream or seqpacket socket of AF_UNIX.
struct UnixSocket {
  uint64_t inode = 0;
  uint64_t peer = 0;  // the inode of its other end, wherever that is; 0: not known
};

/// The sockets of this network namespace as sock_diag(7) tells them, which needs no right at all: those of
/// other containers of the Pod too.
class SocketTables {
 public:
  static constexpr size_t kSockets = 8192;  // of one kind; where there are more, none is known

  /// False where the kernel does not tell the bytes of TCP, or not of all: seccomp, gVisor, a kernel without
  /// the module or before 4.6. What sock_diag does not tell comes from /proc/net, as far as it is there: TCP
  /// is then among those that are not counted, and those of AF_UNIX have no peers.
  bool Read();

  const std::vector<TcpSocket>& Tcp() const { return tcp_; }
  const std::vector<UnixSocket>& Unix() const { return unix_; }
  /// Inodes of sockets of which there is no more to know: UDP.
  const std::vector<uint64_t>& Uncounted() const { return uncounted_; }

 private:
  bool Open();
  bool ReadTcp();
  bool ReadUnix();
  bool ReadUdp(uint8_t family);
  void AddFromProc(const char* table, bool connected);

  Descriptor netlink_;
  std::vector<TcpSocket> tcp_;
  std::vector<UnixSocket> unix_;
  std::vector<uint64_t> uncounted_;
};

/// Connected stream and seqpacket sockets in the text of /proc/net/unix.
std::vector<UnixSocket> ParseUnixTable(std::string_view text);

/// Inodes in the text of /proc/net/tcp or /proc/net/udp: of connected ones, or of all.
std::vector<uint64_t> ParseInetTable(std::string_view text, bool connected);

/// One answer of inet_diag about a TCP connection, and one of unix_diag, behind their netlink headers. False
/// where it is too short, or of an older kernel.
bool ParseTcpAnswer(std::string_view bytes, TcpSocket& socket);
bool ParseUnixAnswer(std::string_view bytes, UnixSocket& socket);

}  // namespace imagebatch::runner
