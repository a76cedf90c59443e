#include "kube/foreign_socket.h"

#include <fcntl.h>
#include <linux/tcp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <optional>

namespace imagebatch::kube {
namespace {

struct FreeAddresses {
  void operator()(addrinfo* list) const { freeaddrinfo(list); }
};

bool IsLinkLocal(const sockaddr* address) {
  constexpr unsigned char kFirst = 169, kSecond = 254;
  if (address->sa_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, address, sizeof v4);
    const uint32_t bits = ntohl(v4.sin_addr.s_addr);
    return bits >> 24 == kFirst && (bits >> 16 & 0xff) == kSecond;
  }
  sockaddr_in6 v6{};
  std::memcpy(&v6, address, sizeof v6);
  const unsigned char* bytes = v6.sin6_addr.s6_addr;
  return IN6_IS_ADDR_LINKLOCAL(&v6.sin6_addr) ||
         (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr) && bytes[12] == kFirst && bytes[13] == kSecond);
}

}  // namespace

Result<int> FamilyOf(const std::string& host) {
  addrinfo hints{};
  hints.ai_flags = AI_ADDRCONFIG;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int error = getaddrinfo(host.c_str(), nullptr, &hints, &found); error != 0)
    return Fail("the name " + host + " cannot be resolved: " + gai_strerror(error));
  const std::unique_ptr<addrinfo, FreeAddresses> list(found);
  std::optional<int> family;
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    if (IsLinkLocal(each->ai_addr)) return Fail("the name " + host + " has a link-local address");
    if (!family) family = each->ai_family;
  }
  if (!family) return Fail("the name " + host + " has no address");
  return *family;
}

ReceivedBytes::ReceivedBytes(int socket) : socket_(fcntl(socket, F_DUPFD_CLOEXEC, 0)) {}

ReceivedBytes::~ReceivedBytes() {
  if (socket_ >= 0) close(socket_);
}

size_t ReceivedBytes::Count() const {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (getsockopt(socket_, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return 0;
  return info.tcpi_bytes_received;
}

}  // namespace imagebatch::kube
