#include "runner/listener.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>

#include "contract/contract.h"
#include "runner/proc/proc_text.h"

namespace imagebatch::runner {
namespace {

constexpr std::chrono::seconds kPatience{2};
constexpr std::chrono::seconds kAcceptAgainAfter{1};

// Five packets of ours open, acknowledge and close a connection; each has some 70 bytes of Ethernet, IP and
// TCP headers. The answer adds one such header for every segment.
constexpr uint64_t kPacketHeader = 70;
constexpr uint64_t kConnectionOverhead = 5 * kPacketHeader;
constexpr uint64_t kSegment = 1400;

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

bool ParsePort(std::string_view text, uint16_t& port) {
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && rest == text.data() + text.size() && port != 0;
}

Address MakeV6(const in6_addr& host, uint16_t port) {
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_addr = host;
  address.sin6_port = htons(port);
  Address result;
  memcpy(&result.storage, &address, sizeof address);
  result.size = sizeof address;
  return result;
}

Address MakeV4(const in_addr& host, uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr = host;
  address.sin_port = htons(port);
  Address result;
  memcpy(&result.storage, &address, sizeof address);
  result.size = sizeof address;
  return result;
}

/// The addresses to try in turn; none where `text` is not one.
std::vector<Address> ParseAddress(const std::string& text) {
  const size_t colon = text.rfind(':');
  uint16_t port = 0;
  if (colon == std::string::npos || !ParsePort(std::string_view(text).substr(colon + 1), port)) return {};
  std::string host = text.substr(0, colon);
  // IPv6's any-address takes IPv4 as well; a node without IPv6 has IPv4 alone.
  if (host.empty()) return {MakeV6(in6addr_any, port), MakeV4(in_addr{}, port)};
  in_addr v4{};
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1) return {MakeV4(v4, port)};
  in6_addr v6{};
  if (host.size() < 2 || host.front() != '[' || host.back() != ']') return {};
  host = host.substr(1, host.size() - 2);
  if (inet_pton(AF_INET6, host.c_str(), &v6) == 1) return {MakeV6(v6, port)};
  return {};
}

Descriptor ListenOn(const Address& address) {
  Descriptor socket(::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket.Open()) return {};
  const int on = 1;
  const int off = 0;
  if (setsockopt(socket.Get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0) return {};
  if (address.storage.ss_family == AF_INET6 &&
      setsockopt(socket.Get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) != 0) {
    return {};
  }
  if (bind(socket.Get(), reinterpret_cast<const sockaddr*>(&address.storage), address.size) != 0) return {};
  if (listen(socket.Get(), 16) != 0) return {};
  return socket;
}

std::string Response(std::string_view status, std::string_view headers, std::string_view body) {
  std::string text = "HTTP/1.1 ";
  text.append(status).append("\r\n").append(headers);
  text.append("Content-Length: ").append(std::to_string(body.size()));
  text.append("\r\nConnection: close\r\n\r\n").append(body);
  return text;
}

bool HeadComplete(std::string_view request) {
  return request.find("\r\n\r\n") != std::string_view::npos || request.find("\n\n") != std::string_view::npos;
}

}  // namespace

bool ProgressRequest::Add(std::string_view bytes) {
  head_.append(bytes.substr(0, kMostBytes - head_.size()));
  return HeadComplete(head_) || head_.size() == kMostBytes;
}

std::string ProgressRequest::Answer(bool hung, const std::string& state) const {
  if (!HeadComplete(head_)) return Response("431 Request Header Fields Too Large", "", "");
  std::string_view head = head_;
  std::string_view line = TakeUntil(head, '\n');
  const std::string_view method = TakeUntil(line, ' ');
  std::string_view target = TakeUntil(line, ' ');
  if (!line.starts_with("HTTP/1.")) return Response("400 Bad Request", "", "");
  if (TakeUntil(target, '?') != contract::kProgressPath) return Response("404 Not Found", "", "");
  if (method != "GET") return Response("405 Method Not Allowed", "Allow: GET\r\n", "");
  return Response(hung ? "503 Service Unavailable" : "200 OK",
                  "Content-Type: application/json\r\nCache-Control: no-store\r\n", state);
}

std::string Listener::Open(const std::string& address) {
  const std::vector<Address> candidates = ParseAddress(address);
  if (candidates.empty()) return "not an address with a port: " + address;
  for (const Address& candidate : candidates) {
    socket_ = ListenOn(candidate);
    if (socket_.Open()) return {};
  }
  return "cannot listen on " + address + ": " + strerror(errno);
}

void Listener::AddTo(std::vector<pollfd>& polls, hang::TimePoint now) const {
  // A negative descriptor is passed over by poll().
  polls.push_back({now < accept_after_ ? -1 : socket_.Get(), POLLIN, 0});
  for (const Connection& connection : connections_) {
    const bool answering = !connection.answer.empty();
    polls.push_back({connection.socket.Get(), static_cast<short>(answering ? POLLOUT : POLLIN), 0});
  }
}

void Listener::Serve(const pollfd* ready, hang::TimePoint now, bool hung, const std::string& state) {
  for (size_t index = 0; index < connections_.size(); ++index) {
    Connection& connection = connections_[index];
    if (ready[1 + index].revents == 0 || !connection.socket.Open()) continue;
    if (connection.answer.empty()) Receive(connection, hung, state);
    if (!connection.answer.empty()) Send(connection);
  }
  if (ready[0].revents != 0) Accept(now);
}

void Listener::Accept(hang::TimePoint now) {
  Descriptor socket(accept4(socket_.Get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!socket.Open()) {
    // It stays in the queue: without a pause we would be told of it again and again.
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      accept_after_ = now + kAcceptAgainAfter;
    }
    return;
  }
  network_bytes_ += kConnectionOverhead;
  const auto place = std::min_element(connections_.begin(), connections_.end(),
                                      [](const Connection& one, const Connection& other) {
                                        if (one.socket.Open() != other.socket.Open())
                                          return !one.socket.Open();
                                        return one.expires < other.expires;
                                      });
  *place = Connection{std::move(socket), now + kPatience, {}, {}};
}

void Listener::Receive(Connection& connection, bool hung, const std::string& state) {
  char bytes[ProgressRequest::kMostBytes];
  const ssize_t length = recv(connection.socket.Get(), bytes, sizeof bytes, 0);
  if (length < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (length <= 0) {
    connection.socket.Close();
    return;
  }
  if (connection.request.Add({bytes, static_cast<size_t>(length)})) {
    connection.answer = connection.request.Answer(hung, state);
  }
}

void Listener::Send(Connection& connection) {
  std::string& answer = connection.answer;
  const ssize_t length = send(connection.socket.Get(), answer.data(), answer.size(), MSG_NOSIGNAL);
  if (length < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (length > 0) {
    const auto sent = static_cast<uint64_t>(length);
    network_bytes_ += sent + sent / kSegment * kPacketHeader;
    answer.erase(0, static_cast<size_t>(length));
    if (!answer.empty()) return;
  }
  connection.socket.Close();
}

void Listener::Expire(hang::TimePoint now) {
  if (accept_after_ <= now) accept_after_ = {};
  for (Connection& connection : connections_) {
    if (connection.socket.Open() && connection.expires <= now) connection.socket.Close();
  }
}

hang::TimePoint Listener::NextExpiry(hang::TimePoint otherwise) const {
  hang::TimePoint next = otherwise;
  if (accept_after_ != hang::TimePoint{} && socket_.Open()) next = std::min(next, accept_after_);
  for (const Connection& connection : connections_) {
    if (connection.socket.Open()) next = std::min(next, connection.expires);
  }
  return next;
}

}  // namespace imagebatch::runner
