#pragma once
#include <atomic>
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace imagebatch::kube {

enum class Method { Get, Post, Put, Patch, Delete };

struct Request {
  Method method = Method::Get;
  std::string path;  // with the query, beginning with '/'; already escaped
  std::string body;  // empty: none
  std::string content_type = "application/json";
};

struct Response {
  int status = 0;
  std::string body;
  std::optional<std::chrono::seconds> retry_after;  // of a 429 or 503
};

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
