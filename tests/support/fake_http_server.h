#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/mutex.h"

namespace imagebatch::testing {

struct HttpRequest {
  std::string method, target, body;
  std::map<std::string, std::string> headers;  // names in lower case
  int connection = 0;                          // which one it came on, counted from 1
};

/// The server's side of one request. A write to a client that has gone does nothing.
class Reply {
 public:
  using Headers = std::vector<std::pair<std::string, std::string>>;

  explicit Reply(int socket) : socket_(socket) {}

  /// A whole reply with its Content-Length.
  void Send(int status, std::string_view body, const Headers& headers = {});
  /// A chunked reply: Begin, Chunk as often as needed, End.
  void Begin(int status = 200);
  void Chunk(std::string_view data);
  void End();
  /// Anything at all.
  void SendRaw(std::string_view bytes);
  /// Breaks the connection off, whatever is on its way.
  void Drop();
  /// Says nothing until the client closes the connection, or the server ends.
  void WaitForClose();
  /// The same for a limited time; true once the connection is closed.
  bool ClosedWithin(std::chrono::milliseconds time);

  bool dropped() const { return dropped_; }

 private:
  int socket_;
  bool dropped_ = false;
};

/// An HTTP/1.1 server on the loopback device whose every reply is a test's own code. It serves each
/// connection on a thread; the handler is called there.
class FakeHttpServer {
 public:
  using Handler = std::function<void(const HttpRequest& request, Reply& reply)>;

  explicit FakeHttpServer(Handler handler);
  ~FakeHttpServer();
  FakeHttpServer(const FakeHttpServer&) = delete;
  FakeHttpServer& operator=(const FakeHttpServer&) = delete;

  std::string Url() const;
  /// What has come so far, in order.
  std::vector<HttpRequest> Requests() const;
  int Connections() const;
  /// Waits for `count` requests in all; false after 10 s.
  bool WaitForRequests(size_t count) const;

 private:
  void Accept();
  void Serve(int socket, int connection);

  const Handler handler_;
  int listener_ = -1;
  uint16_t port_ = 0;
  mutable Mutex mutex_;
  mutable Condition came_;
  std::vector<HttpRequest> requests_ GUARDED_BY(mutex_);
  std::vector<int> sockets_ GUARDED_BY(mutex_);
  std::vector<std::thread> threads_ GUARDED_BY(mutex_);
  std::thread acceptor_;
};

}  // namespace imagebatch::testing
