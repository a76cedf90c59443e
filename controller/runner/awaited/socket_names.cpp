#include "runner/awaited/socket_names.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstring>

#include "base/short_name.h"
#include "runner/proc/files.h"
#include "runner/proc/table_rows.h"
#include "runner/traffic/socket_tables.h"

namespace imagebatch::runner {
namespace {

constexpr size_t kTableBytes = size_t{256} << 10;
constexpr size_t kMostNamespaces = 4;
constexpr size_t kPathBytes = 80;
constexpr unsigned kListen = 10;

/// By their numbers in include/net/tcp_states.h.
constexpr std::array<std::string_view, 12> kStates = {"",
                                                      "established",
                                                      "connecting, no answer yet",
                                                      "being accepted",
                                                      "closed by this end",
                                                      "closed by this end",
                                                      "closed",
                                                      "closed",
                                                      "closed by the other end",
                                                      "closed",
                                                      "listening",
                                                      "closing"};

template <class Number>
bool Parse(std::string_view text, Number& number, int base) {
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  return error == std::errc() && rest == text.data() + text.size();
}

template <class Matches>
std::optional<InetRow> Find(std::string_view table, const Matches& matches) {
  std::optional<InetRow> found;
  ForEachRow<10>(table, [&](const auto& columns) {  // sl local rem st queues timer retrnsmt uid timeout inode
    InetRow row{.inode = 0, .local = columns[1], .remote = columns[2]};
    if (found || !Parse(columns[9], row.inode, 10) || !Parse(columns[3], row.state, 16)) return;
    if (matches(row)) found = row;
  });
  return found;
}

std::string PortOf(const std::string& address) {
  const size_t colon = address.rfind(':');
  return colon == std::string::npos ? address : address.substr(colon + 1);
}

bool IsAny(const std::string& address) {
  return address.starts_with("0.0.0.0:") || address.starts_with("[::]:");
}

}  // namespace

std::optional<InetRow> FindInode(std::string_view table, uint64_t inode) {
  return Find(table, [inode](const InetRow& row) { return row.inode == inode; });
}

std::optional<InetRow> FindOtherEnd(std::string_view table, const InetRow& row) {
  return Find(table, [&row](const InetRow& other) {
    return other.inode != 0 && other.local == row.remote && other.remote == row.local;
  });
}

std::string AddressOf(std::string_view hex) {
  constexpr size_t kWordDigits = 8;
  std::string_view address = TakeUntil(hex, ':');
  unsigned port = 0;
  if (!Parse(hex, port, 16)) return {};
  std::array<uint32_t, 4> words{};
  const size_t count = address.size() / kWordDigits;
  if (address.size() % kWordDigits != 0 || (count != 1 && count != 4)) return {};
  for (size_t index = 0; index < count; ++index) {
    if (!Parse(address.substr(index * kWordDigits, kWordDigits), words[index], 16)) return {};
  }
  const bool mapped = count == 4 && words[0] == 0 && words[1] == 0 && words[2] == htonl(0xFFFF);
  char text[INET6_ADDRSTRLEN];
  const bool is_v4 = count == 1 || mapped;
  const void* bytes = mapped ? &words[3] : words.data();
  if (inet_ntop(is_v4 ? AF_INET : AF_INET6, bytes, text, sizeof text) == nullptr) return {};
  return (is_v4 ? std::string(text) : "[" + std::string(text) + "]") + ":" + std::to_string(port);
}

std::optional<std::string_view> UnixPath(std::string_view table, uint64_t inode) {
  std::optional<std::string_view> path;
  ForEachRow<8>(table, [&](const auto& columns) {  // Num RefCount Protocol Flags Type St Inode Path
    uint64_t of = 0;
    if (Parse(columns[6], of, 10) && of == inode && !path) path = columns[7];
  });
  return path;
}

const SocketNames::Tables& SocketNames::TablesOf(pid_t pid) {
  const std::string directory = "/proc/" + std::to_string(pid);
  char link[64];
  const ssize_t length = readlink((directory + "/ns/net").c_str(), link, sizeof link);
  const std::string space = length > 0 ? std::string(link, static_cast<size_t>(length)) : std::string();
  const auto [at, fresh] =
      tables_.try_emplace(tables_.size() < kMostNamespaces ? space : tables_.begin()->first);
  if (fresh) {
    const auto read = [&directory](const char* name) {
      return ReadWhole((directory + "/net/" + name).c_str(), kTableBytes);
    };
    at->second = {read("tcp"), read("tcp6"), read("udp"), read("udp6"), read("unix")};
  }
  return at->second;
}

std::vector<int> SocketNames::HoldersOf(uint64_t inode) {
  if (inode == 0) return {};
  if (!owners_) owners_ = ReadSocketOwners(scope_.tree);
  std::vector<int> holders;
  for (const OwnedSocket& socket : owners_->Of(inode)) holders.push_back(socket.pid);
  return holders;
}

SocketName SocketNames::Tcp(const Tables& tables, const InetRow& row) {
  SocketName name;
  if (row.state == kListen) {
    name.text = "TCP port " + PortOf(AddressOf(row.local));
    name.listens = true;
    return name;
  }
  const std::string_view state = row.state < kStates.size() ? kStates[row.state] : "";
  name.text = "TCP " + AddressOf(row.remote) + " (" + std::string(state) + ")";
  auto other = FindOtherEnd(tables.tcp, row);
  if (!other) other = FindOtherEnd(tables.tcp6, row);
  if (other) name.holders = HoldersOf(other->inode);
  return name;
}

SocketName SocketNames::Unix(const Tables& tables, uint64_t inode) {
  const auto own_path = UnixPath(tables.unix_sockets, inode);
  if (!own_path) return {"a socket", false, {}};
  if (!peers_) {
    peers_.emplace();
    SocketTables sockets;
    sockets.Read();
    for (const UnixSocket& socket : sockets.Unix()) {
      if (socket.peer != 0) peers_->emplace(socket.inode, socket.peer);
    }
  }
  const auto peer = peers_->find(inode);
  SocketName name;
  std::string_view path;
  if (peer != peers_->end()) {
    path = UnixPath(tables.unix_sockets, peer->second).value_or("");
    name.holders = HoldersOf(peer->second);
  }
  if (path.empty()) path = *own_path;
  name.text = path.empty() ? "a UNIX socket" : "the UNIX socket " + PathTail(path, kPathBytes);
  return name;
}

SocketName SocketNames::Of(pid_t pid, uint64_t inode) {
  const Tables& tables = TablesOf(pid);
  for (const std::string* table : {&tables.tcp, &tables.tcp6}) {
    if (const auto row = FindInode(*table, inode)) return Tcp(tables, *row);
  }
  for (const std::string* table : {&tables.udp, &tables.udp6}) {
    const auto row = FindInode(*table, inode);
    if (!row) continue;
    const std::string remote = AddressOf(row->remote);
    return {IsAny(remote) ? "UDP port " + PortOf(AddressOf(row->local)) : "UDP " + remote, false, {}};
  }
  return Unix(tables, inode);
}

}  // namespace imagebatch::runner
