#include "support/fake_http_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdio>
#include <cstdlib>

namespace imagebatch::testing {
namespace {

[[noreturn]] void Die(const char* what) {
  std::perror(what);
  std::abort();
}

/// Appends what comes next to `buffer`; false at the end.
bool ReadMore(int socket, std::string& buffer) {
  std::array<char, 65536> bytes;
  const ssize_t count = recv(socket, bytes.data(), bytes.size(), 0);
  if (count <= 0) return false;
  buffer.append(bytes.data(), static_cast<size_t>(count));
  return true;
}

std::string LowerCase(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

/// Takes one request off the front of `buffer`, reading on as needed; false at the end of the connection.
bool ReadRequest(int socket, std::string& buffer, HttpRequest& request) {
  size_t end = 0;
  while ((end = buffer.find("\r\n\r\n")) == std::string::npos) {
    if (!ReadMore(socket, buffer)) return false;
  }
  const std::string head = buffer.substr(0, end + 2);
  buffer.erase(0, end + 4);
  const size_t method_end = head.find(' '), target_end = head.find(' ', method_end + 1);
  request.method = head.substr(0, method_end);
  request.target = head.substr(method_end + 1, target_end - method_end - 1);
  for (size_t at = head.find("\r\n") + 2; at < head.size();) {
    const size_t line_end = head.find("\r\n", at), colon = head.find(':', at);
    const size_t value = std::min(head.find_first_not_of(' ', colon + 1), line_end);
    request.headers[LowerCase(head.substr(at, colon - at))] = head.substr(value, line_end - value);
    at = line_end + 2;
  }
  const auto length = request.headers.find("content-length");
  const size_t size = length == request.headers.end() ? 0 : std::stoul(length->second);
  while (buffer.size() < size) {
    if (!ReadMore(socket, buffer)) return false;
  }
  request.body = buffer.substr(0, size);
  buffer.erase(0, size);
  return true;
}

}  // namespace

void Reply::SendRaw(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) return;
    bytes.remove_prefix(static_cast<size_t>(count));
  }
}

void Reply::Send(int status, std::string_view body, const Headers& headers) {
  std::string text = "HTTP/1.1 " + std::to_string(status) + " Status\r\n";
  for (const auto& [name, value] : headers) text.append(name).append(": ").append(value).append("\r\n");
  text.append("Content-Length: ").append(std::to_string(body.size())).append("\r\n\r\n").append(body);
  SendRaw(text);
}

void Reply::Begin(int status) {
  SendRaw("HTTP/1.1 " + std::to_string(status) + " Status\r\nTransfer-Encoding: chunked\r\n\r\n");
}

void Reply::Chunk(std::string_view data) {
  std::array<char, 24> size;
  std::snprintf(size.data(), size.size(), "%zx\r\n", data.size());
  SendRaw(std::string(size.data()).append(data).append("\r\n"));
}

void Reply::End() { SendRaw("0\r\n\r\n"); }

void Reply::Drop() {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  setsockopt(socket_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  dropped_ = true;
}

void Reply::WaitForClose() {
  std::string ignored;
  while (ReadMore(socket_, ignored)) continue;
  dropped_ = true;
}

bool Reply::ClosedWithin(std::chrono::milliseconds time) {
  pollfd connection{.fd = socket_, .events = POLLIN, .revents = 0};
  if (poll(&connection, 1, static_cast<int>(time.count())) <= 0) return false;
  WaitForClose();
  return true;
}

FakeHttpServer::FakeHttpServer(Handler handler) : handler_(std::move(handler)) {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (listener_ < 0 || bind(listener_, generic, size) != 0 || listen(listener_, 64) != 0 ||
      getsockname(listener_, generic, &size) != 0)
    Die("fake HTTP server");
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { Accept(); });
}

FakeHttpServer::~FakeHttpServer() {
  shutdown(listener_, SHUT_RDWR);  // wakes accept
  acceptor_.join();
  close(listener_);
  {
    const MutexLock lock(mutex_);
    for (const int socket : sockets_) shutdown(socket, SHUT_RDWR);
  }
  for (std::thread& thread : threads_) thread.join();
  for (const int socket : sockets_) close(socket);
}

std::string FakeHttpServer::Url() const { return "http://127.0.0.1:" + std::to_string(port_); }

std::vector<HttpRequest> FakeHttpServer::Requests() const {
  const MutexLock lock(mutex_);
  return requests_;
}

int FakeHttpServer::Connections() const {
  const MutexLock lock(mutex_);
  return static_cast<int>(sockets_.size());
}

bool FakeHttpServer::WaitForRequests(size_t count) const {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  const MutexLock lock(mutex_);
  while (requests_.size() < count && came_.WaitUntil(mutex_, until)) {
  }
  return requests_.size() >= count;
}

void FakeHttpServer::Accept() {
  while (true) {
    const int socket = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (socket < 0) return;
    const MutexLock lock(mutex_);
    sockets_.push_back(socket);
    threads_.emplace_back(
        [this, socket, connection = sockets_.size()] { Serve(socket, static_cast<int>(connection)); });
  }
}

void FakeHttpServer::Serve(int socket, int connection) {
  std::string buffer;
  while (true) {
    HttpRequest request;
    request.connection = connection;
    if (!ReadRequest(socket, buffer, request)) return;
    {
      const MutexLock lock(mutex_);
      requests_.push_back(request);
      came_.NotifyAll();
    }
    Reply reply(socket);
    handler_(request, reply);
    if (!reply.dropped()) continue;
    // The descriptor stays open until the end, so that its number is not given to another connection, but the
    // connection itself ends here: an unused socket takes its place
    const int nothing = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    dup2(nothing, socket);
    close(nothing);
    return;
  }
}

}  // namespace imagebatch::testing
