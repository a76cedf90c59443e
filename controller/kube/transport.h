#pragma once
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace imagebatch::kube {

enum class Method { Get, Head, Post, Put, Patch, Delete };

/// What waits for different things waits in lanes of its own, so that one holds up no other.
enum class Lane {
  Main,    // what the state is read from and written to: answered by the API server and its store
  Events,  // told for people: may be late, and must not keep the state waiting
  Logs,    // answered by the kubelet of a node, which may be unreachable
};

/// The most that a reply may have, unless its request says less.
inline constexpr size_t kMostBytes = 64 << 20;

struct Request {
  Method method = Method::Get;
  std::string path;  // with the query, beginning with '/'; already escaped
  std::string body;  // empty: none
  std::string content_type = "application/json";
  Lane lane = Lane::Main;
  uint64_t sender = 0;             // for whom it is sent; only compared. Senders take turns within a lane
  std::string node;                // in Logs: whose kubelet answers
  size_t most_bytes = kMostBytes;  // a reply with more is an error
  /// Not empty: of a successful reply only lines that hold this text are kept, and the beginning of its last
  /// whole line. What a reply may bring is then more than what it costs in memory (line_filter.h).
  std::string only_lines_with;
  std::string accept = "application/json";
  std::string authorization;                 // of this request alone, where its server has no token
  std::vector<std::string> reads_headers{};  // of the reply, in lower case: what Response::headers is to have
};

struct Response {
  int status = 0;
  std::string body;
  std::optional<std::chrono::seconds> retry_after;  // of a 429 or 503
  size_t received = 0;  // bytes of the body as it came; more than `body` has where lines were left out
  std::map<std::string, std::string> headers{};  // by name; see Request::reads_headers
};

/// The error of a reply that is larger than kMostBytes: to be asked for in smaller pieces.
inline constexpr const char* kTooLarge = "the reply is larger than 64 MiB";

/// HTTP to one server. The one boundary to the HTTP library, so that the library can be replaced in a day.
/// Thread-safe. Never follows redirects (the bearer token would go along).
class HttpTransport {
 public:
  virtual ~HttpTransport() = default;

  /// One request and its whole reply within `deadline`. An error means that no whole reply came: the
  /// request may or may not have taken effect, and the library may have sent it twice.
  virtual Result<Response> Send(const Request& request, std::chrono::milliseconds deadline) = 0;

  /// Reads a reply as it arrives: `on_head` once, the body still empty, then `on_data` for each piece; either
  /// returns false to end. `idle` without a byte is an error. Success is a clean end or an end that was asked
  /// for. `stop` becomes true from another thread: the call returns within 100 ms.
  virtual Result<void> Stream(const Request& request, std::chrono::milliseconds idle,
                              const std::atomic<bool>& stop,
                              const std::function<bool(const Response& head)>& on_head,
                              const std::function<bool(std::string_view data)>& on_data) = 0;

  /// Ends every call within 100 ms, each with an error, and fails all later ones: the last step of a stop
  /// that would otherwise wait for deadlines.
  virtual void Shutdown() = 0;
};

}  // namespace imagebatch::kube
