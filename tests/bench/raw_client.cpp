#include "bench/raw_client.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <barrier>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <thread>

#include "kube/config/tls.h"

namespace imagebatch::bench {
namespace {

using ContextPtr = std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)>;

struct Server {
  std::string host, port;
};

Result<Server> Split(const std::string& url) {
  constexpr std::string_view kScheme = "https://";
  const size_t colon = url.rfind(':');
  if (url.rfind(kScheme, 0) != 0 || colon < kScheme.size()) return Fail("not https://HOST:PORT: " + url);
  return Server{url.substr(kScheme.size(), colon - kScheme.size()), url.substr(colon + 1)};
}

/// One TLS connection; every function returns false on a failure.
class Connection {
 public:
  explicit Connection(SSL_CTX* context) : ssl_(SSL_new(context), SSL_free) {}
  ~Connection() {
    if (socket_ >= 0) close(socket_);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  bool Open(const Server& server) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (getaddrinfo(server.host.c_str(), server.port.c_str(), &hints, &found) != 0) return false;
    const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> address(found, freeaddrinfo);
    socket_ = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    return socket_ >= 0 && connect(socket_, address->ai_addr, address->ai_addrlen) == 0 &&
           setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0 &&
           SSL_set_fd(ssl_.get(), socket_) == 1 && SSL_connect(ssl_.get()) == 1;
  }

  bool Write(const std::string& text) {
    return SSL_write(ssl_.get(), text.data(), static_cast<int>(text.size())) == static_cast<int>(text.size());
  }

  /// Reads one whole reply and its status.
  bool ReadReply(int& status) {
    size_t head = 0;
    while ((head = buffer_.find("\r\n\r\n")) == std::string::npos) {
      if (!ReadMore()) return false;
    }
    status = std::atoi(buffer_.c_str() + sizeof("HTTP/1.1"));
    const size_t length = buffer_.find("Content-Length: ");
    const size_t end =
        length < head ? head + 4 + std::stoul(buffer_.substr(length + 16)) : ChunkedEnd(head + 4);
    if (end == 0) return false;
    while (buffer_.size() < end) {
      if (!ReadMore()) return false;
    }
    buffer_.erase(0, end);
    return true;
  }

 private:
  /// The end of a chunked body that begins at `at`; 0 on a failure.
  size_t ChunkedEnd(size_t at) {
    while (true) {
      size_t line_end = 0;
      while ((line_end = buffer_.find("\r\n", at)) == std::string::npos) {
        if (!ReadMore()) return 0;
      }
      const size_t size = std::strtoul(buffer_.c_str() + at, nullptr, 16);
      at = line_end + 2 + size + 2;
      if (size == 0) return at;
      while (buffer_.size() < at) {
        if (!ReadMore()) return 0;
      }
    }
  }

  bool ReadMore() {
    std::array<char, 16384> bytes;
    const int count = SSL_read(ssl_.get(), bytes.data(), bytes.size());
    if (count <= 0) return false;
    buffer_.append(bytes.data(), static_cast<size_t>(count));
    return true;
  }

  const std::unique_ptr<SSL, decltype(&SSL_free)> ssl_;
  int socket_ = -1;
  std::string buffer_;
};

std::string Message(const Server& server, const kube::TransportConfig& config, const std::string& path,
                    const std::string& body) {
  std::string text = "POST " + path + " HTTP/1.1\r\nHost: " + server.host + "\r\n";
  if (!config.token.empty()) text.append("Authorization: Bearer ").append(config.token).append("\r\n");
  text.append("Accept: application/json\r\nContent-Type: application/json\r\nContent-Length: ");
  return text.append(std::to_string(body.size())).append("\r\n\r\n").append(body);
}

}  // namespace

Result<double> PostAll(const kube::TransportConfig& config, const std::string& path,
                       const std::vector<std::string>& bodies, int connections) {
  const auto server = Split(config.server);
  if (!server) return tl::unexpected(server.error());
  const ContextPtr context(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
  if (auto set = kube::ConfigureTls(context.get(), config); !set) return tl::unexpected(set.error());

  std::atomic<size_t> next = 0;
  std::atomic<int> failures = 0;
  std::barrier connected(connections + 1);
  std::vector<std::thread> threads;
  for (int i = 0; i < connections; ++i) {
    threads.emplace_back([&] {
      Connection connection(context.get());
      const bool open = connection.Open(*server);
      failures += open ? 0 : 1;
      connected.arrive_and_wait();
      for (size_t at = next++; open && at < bodies.size(); at = next++) {
        int status = 0;
        if (connection.Write(Message(*server, config, path, bodies[at])) && connection.ReadReply(status) &&
            status == 201)
          continue;
        ++failures;
        return;
      }
    });
  }
  connected.arrive_and_wait();
  const auto start = std::chrono::steady_clock::now();
  for (std::thread& thread : threads) thread.join();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  if (failures > 0) return Fail("the raw client failed " + std::to_string(failures) + " times");
  return took.count();
}

}  // namespace imagebatch::bench
