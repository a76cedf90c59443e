#pragma once
#include <poll.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "hang/verdict.h"
#include "runner/proc/files.h"

namespace imagebatch::runner {

/// The one request of a connection, as its bytes come in. The only text that a stranger can send us.
class ProgressRequest {
 public:
  static constexpr size_t kMostBytes = 2048;  // of its head; the body, if there is one, is not read

  /// The next bytes; whether there is something to answer now. How the bytes are split makes no difference.
  bool Add(std::string_view bytes);
  /// The whole answer, once Add() was true.
  std::string Answer(bool hung, const std::string& state) const;

 private:
  std::string head_;
};

/// Answers GET /progress within the runner's own loop: 200 while the build progresses, 503 while it hangs,
/// with the state as the body. One request per connection; few connections, small requests, no waiting for
/// slow clients: where there are too many, the oldest has to go.
class Listener {
 public:
  /// "1.2.3.4:80", "[::1]:80", or ":80" for all addresses of both families. Empty on success, else what went
  /// wrong.
  std::string Open(const std::string& address);

  /// The descriptors to wait for; their order is that of Serve().
  void AddTo(std::vector<pollfd>& polls, hang::TimePoint now) const;
  /// `ready` points at the first of those that AddTo() added. `state` is what RenderState() made.
  void Serve(const pollfd* ready, hang::TimePoint now, bool hung, const std::string& state);
  /// Closes connections that took too long.
  void Expire(hang::TimePoint now);
  /// When there is next something to do without an event; `otherwise` where there is nothing.
  hang::TimePoint NextExpiry(hang::TimePoint otherwise) const;

  /// An estimate of what the answers so far have put on the network, headers and handshakes included.
  uint64_t NetworkBytes() const { return network_bytes_; }

 private:
  struct Connection {
    Descriptor socket;
    hang::TimePoint expires;
    ProgressRequest request;
    std::string answer;  // what is left of it
  };
  void Accept(hang::TimePoint now);
  void Receive(Connection& connection, bool hung, const std::string& state);
  void Send(Connection& connection);

  Descriptor socket_;
  hang::TimePoint accept_after_;  // where there was no descriptor left for a connection
  std::array<Connection, 8> connections_;
  uint64_t network_bytes_ = 0;
};

}  // namespace imagebatch::runner
