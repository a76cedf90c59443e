#include "runner/traffic/socket_tables.h"

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <linux/unix_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <functional>

#include "runner/proc/table_rows.h"

namespace imagebatch::runner {
namespace {

constexpr size_t kTableBytes = size_t{1} << 20;
// include/net/tcp_states.h
constexpr unsigned kEstablished = 1, kFinWait1 = 4, kFinWait2 = 5, kCloseWait = 8;
constexpr uint32_t kConnected = 1U << kEstablished | 1U << kFinWait1 | 1U << kFinWait2 | 1U << kCloseWait;

/// The bytes of `value`, to be sent or hashed.
template <class Value>
std::string_view Bytes(const Value& value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

template <class Value>
bool Take(std::string_view& bytes, Value& value, size_t aligned = sizeof(Value)) {
  if (bytes.size() < sizeof value) return false;
  memcpy(&value, bytes.data(), sizeof value);
  bytes.remove_prefix(std::min(aligned, bytes.size()));
  return true;
}

/// Calls `each` with the type and the content of all attributes.
template <class Each>
void ForEachAttribute(std::string_view bytes, const Each& each) {
  while (bytes.size() >= sizeof(rtattr)) {
    rtattr head{};
    memcpy(&head, bytes.data(), sizeof head);
    if (head.rta_len < sizeof head || head.rta_len > bytes.size()) return;
    each(head.rta_type, bytes.substr(sizeof head, head.rta_len - sizeof head));
    bytes.remove_prefix(std::min<size_t>(RTA_ALIGN(head.rta_len), bytes.size()));
  }
}

uint64_t Number(std::string_view text) {
  uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

uint64_t EndHash(const __be32 (&address)[4], __be16 port) {
  return std::hash<std::string_view>()(Bytes(address)) ^ uint64_t { port } << 24;
}

bool Ask(int netlink, uint16_t type, std::string_view request) {
  char message[256] = {};
  nlmsghdr head{};
  head.nlmsg_len = static_cast<uint32_t>(NLMSG_LENGTH(request.size()));
  head.nlmsg_type = type;
  head.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  memcpy(message, &head, sizeof head);
  memcpy(message + NLMSG_HDRLEN, request.data(), request.size());
  return send(netlink, message, head.nlmsg_len, 0) == static_cast<ssize_t>(head.nlmsg_len);
}

/// Calls `each` with the content of every answer; false where there is an error, or one of them refuses.
bool ForEachAnswer(int netlink, const std::function<bool(std::string_view)>& each) {
  alignas(nlmsghdr) char buffer[16 * 1024];
  for (;;) {
    const ssize_t length = recv(netlink, buffer, sizeof buffer, 0);
    if (length <= 0) return false;
    std::string_view bytes(buffer, static_cast<size_t>(length));
    while (bytes.size() >= sizeof(nlmsghdr)) {
      nlmsghdr head{};
      memcpy(&head, bytes.data(), sizeof head);
      if (head.nlmsg_len < NLMSG_HDRLEN || head.nlmsg_len > bytes.size()) return false;
      if (head.nlmsg_type == NLMSG_DONE) return true;
      if (head.nlmsg_type == NLMSG_ERROR) return false;
      if (!each(bytes.substr(NLMSG_HDRLEN, head.nlmsg_len - NLMSG_HDRLEN))) return false;
      bytes.remove_prefix(std::min<size_t>(NLMSG_ALIGN(head.nlmsg_len), bytes.size()));
    }
  }
}

}  // namespace

bool ParseTcpAnswer(std::string_view bytes, TcpSocket& socket) {
  inet_diag_msg message{};
  if (!Take(bytes, message, NLMSG_ALIGN(sizeof message))) return false;
  socket.inode = message.idiag_inode;
  socket.local = EndHash(message.id.idiag_src, message.id.idiag_sport);
  socket.peer = EndHash(message.id.idiag_dst, message.id.idiag_dport);
  bool found = false;
  ForEachAttribute(bytes, [&](unsigned short type, std::string_view content) {
    constexpr size_t kNeeded = offsetof(tcp_info, tcpi_data_segs_in) + sizeof(tcp_info::tcpi_data_segs_in);
    if (type != INET_DIAG_INFO || content.size() < kNeeded) return;
    tcp_info info{};
    memcpy(&info, content.data(), std::min(content.size(), sizeof info));
    const uint64_t waiting = message.idiag_rqueue;
    socket.received = info.tcpi_bytes_received - std::min<uint64_t>(info.tcpi_bytes_received, waiting);
    socket.sent = info.tcpi_bytes_acked;
    socket.segments = info.tcpi_data_segs_in;
    socket.quiet_ms = info.tcpi_last_data_recv;
    found = true;
  });
  return found;
}

bool ParseUnixAnswer(std::string_view bytes, UnixSocket& socket) {
  unix_diag_msg message{};
  if (!Take(bytes, message, NLMSG_ALIGN(sizeof message))) return false;
  if (message.udiag_type != SOCK_STREAM && message.udiag_type != SOCK_SEQPACKET) return false;
  socket.inode = message.udiag_ino;
  socket.peer = 0;
  ForEachAttribute(bytes, [&socket](unsigned short type, std::string_view content) {
    uint32_t peer = 0;
    if (type == UNIX_DIAG_PEER && Take(content, peer)) socket.peer = peer;
  });
  return true;
}

std::vector<UnixSocket> ParseUnixTable(std::string_view text) {
  std::vector<UnixSocket> sockets;
  ForEachRow<7>(text, [&sockets](const auto& columns) {  // Num RefCount Protocol Flags Type St Inode
    if ((columns[4] != "0001" && columns[4] != "0005") || columns[5] != "03") return;
    const uint64_t inode = Number(columns[6]);
    if (inode != 0 && sockets.size() < SocketTables::kSockets) sockets.push_back({.inode = inode});
  });
  return sockets;
}

std::vector<uint64_t> ParseInetTable(std::string_view text, bool connected) {
  std::vector<uint64_t> inodes;
  ForEachRow<10>(text, [&](const auto& columns) {  // sl local rem st queues timer retrnsmt uid timeout inode
    if (connected && columns[3] != "01" && columns[3] != "08") return;
    const uint64_t inode = Number(columns[9]);
    if (inode != 0 && inodes.size() < SocketTables::kSockets) inodes.push_back(inode);
  });
  return inodes;
}

bool SocketTables::Open() {
  if (netlink_.Open()) return true;
  netlink_ = Descriptor(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
  if (!netlink_.Open()) return false;
  const timeval limit{.tv_sec = 1, .tv_usec = 0};
  setsockopt(netlink_.Get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  return true;
}

bool SocketTables::Read() {
  tcp_.clear();
  unix_.clear();
  uncounted_.clear();
  const bool counted = ReadTcp();
  if (!counted) {
    netlink_.Close();  // with what else it would say
    tcp_.clear();
    AddFromProc("/proc/self/net/tcp", true);
    AddFromProc("/proc/self/net/tcp6", true);
  }
  if (!ReadUnix()) {
    netlink_.Close();
    unix_ = ParseUnixTable(ReadWhole("/proc/self/net/unix", kTableBytes));
  }
  if (!ReadUdp(AF_INET) || !ReadUdp(AF_INET6)) {
    netlink_.Close();
    AddFromProc("/proc/self/net/udp", false);
    AddFromProc("/proc/self/net/udp6", false);
  }
  return counted;
}

void SocketTables::AddFromProc(const char* table, bool connected) {
  const std::vector<uint64_t> inodes = ParseInetTable(ReadWhole(table, kTableBytes), connected);
  uncounted_.insert(uncounted_.end(), inodes.begin(), inodes.end());
}

/// The older of the two requests: the only one that asks for IPv4 and IPv6 in one walk through the kernel's
/// table, which is the larger the more memory the machine has.
bool SocketTables::ReadTcp() {
  if (!Open()) return false;
  inet_diag_req request{};
  request.idiag_family = AF_INET;
  request.idiag_ext = 1U << (INET_DIAG_INFO - 1);
  request.idiag_states = kConnected;
  if (!Ask(netlink_.Get(), TCPDIAG_GETSOCK, Bytes(request))) return false;
  return ForEachAnswer(netlink_.Get(), [this](std::string_view answer) {
    TcpSocket socket;
    const bool told = ParseTcpAnswer(answer, socket);
    if (socket.inode == 0) return true;  // it has no owner any more, and nothing needs to be told of it
    if (told) tcp_.push_back(socket);
    return told && tcp_.size() <= kSockets;
  });
}

bool SocketTables::ReadUnix() {
  if (!Open()) return false;
  unix_diag_req request{};
  request.sdiag_family = AF_UNIX;
  request.udiag_states = 1U << kEstablished;
  request.udiag_show = UDIAG_SHOW_PEER;
  if (!Ask(netlink_.Get(), SOCK_DIAG_BY_FAMILY, Bytes(request))) return false;
  return ForEachAnswer(netlink_.Get(), [this](std::string_view answer) {
    UnixSocket socket;
    if (ParseUnixAnswer(answer, socket)) unix_.push_back(socket);
    return unix_.size() <= kSockets;
  });
}

bool SocketTables::ReadUdp(uint8_t family) {
  if (!Open()) return false;
  inet_diag_req_v2 request{};
  request.sdiag_family = family;
  request.sdiag_protocol = IPPROTO_UDP;
  request.idiag_states = ~0U;
  if (!Ask(netlink_.Get(), SOCK_DIAG_BY_FAMILY, Bytes(request))) return false;
  return ForEachAnswer(netlink_.Get(), [this](std::string_view answer) {
    inet_diag_msg message{};
    if (Take(answer, message) && message.idiag_inode != 0) uncounted_.push_back(message.idiag_inode);
    return uncounted_.size() <= kSockets;
  });
}

}  // namespace imagebatch::runner
