#include "kube/cpprest_transport.h"

// <pplx/threadpool.h> uses std::exchange without including it, which breaks in C++20 with Boost 1.74
#include <utility>
// and must come in this order
#include <cpprest/http_client.h>
#include <openssl/ssl.h>
#include <pplx/threadpool.h>

#include <algorithm>
#include <charconv>
#include <future>
#include <mutex>

#include "kube/config/tls.h"
#include "kube/config/token_source.h"
#include "kube/foreign_socket.h"
#include "kube/line_filter.h"

namespace imagebatch::kube {
namespace {

using namespace std::chrono_literals;
using web::http::http_request;
using web::http::http_response;
using web::http::client::http_client;
using web::http::client::http_client_config;

constexpr size_t kPiece = 1 << 20;
constexpr size_t kPoolThreads = 2;   // they only move bytes and never wait; more would pass them around
constexpr auto kSlice = 50ms;        // how soon a stop is seen
constexpr auto kForeignSlice = 5ms;  // how soon too large a head is
constexpr size_t kForeignHead = 64 << 10;
constexpr auto kFarewell = 40ms;  // for a cancelled task to end; one that takes longer is left behind
constexpr auto kNever = 24h;      // the library's own timer, which is per step; the deadlines here rule

const char* Name(Method method) {
  switch (method) {
    case Method::Get:
      return "GET";
    case Method::Head:
      return "HEAD";
    case Method::Post:
      return "POST";
    case Method::Put:
      return "PUT";
    case Method::Patch:
      return "PATCH";
    case Method::Delete:
      return "DELETE";
  }
  return "GET";
}

/// The value or the exception of a task that has ended. No exception may stay unseen: the library ends the
/// process for that.
template <class T>
Result<T> Observe(const pplx::task<T>& task) {
  try {
    return task.get();
  } catch (const std::exception& e) {
    return Fail(e.what());
  } catch (...) {
    return Fail("unknown error");
  }
}

/// Runs what follows a task on the thread that completed it. For continuations that do next to nothing:
/// handing each to another thread of the library would cost more than all the rest of a request.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wnon-virtual-dtor"  // the library's base; never deleted through it
struct RunAtOnce final : pplx::scheduler_interface {
  void schedule(pplx::TaskProc_t run, void* with) override { run(with); }
};
#pragma GCC diagnostic pop

/// What a connection to a foreign server brings, once there is one.
class Meter {
 public:
  /// Opened here, before the library connects it, so that it can be watched.
  void Open(boost::asio::ip::tcp::socket& socket, int family) {
    socket.open(family == AF_INET ? boost::asio::ip::tcp::v4() : boost::asio::ip::tcp::v6());
    const std::lock_guard lock(mutex_);
    received_ = std::make_unique<ReceivedBytes>(socket.native_handle());
  }
  size_t Count() const {
    const std::lock_guard lock(mutex_);
    return received_ ? received_->Count() : 0;
  }

 private:
  mutable std::mutex mutex_;
  std::unique_ptr<ReceivedBytes> received_;
};

/// One request on the wire. Whatever the library's threads fill or run is owned by its tasks, so that an
/// exchange can be given up while they still work on it.
class Exchange {
 public:
  /// `most_bytes`: of the body. `stopped`: checked every 50 ms.
  Exchange(size_t most_bytes, std::function<bool()> stopped)
      : most_bytes_(most_bytes), stopped_(std::move(stopped)) {}

  /// Of a foreign server: what it brings is bounded even while the library reads it.
  void Watch(std::shared_ptr<const Meter> meter) { meter_ = std::move(meter); }

  Result<void> Begin(http_client& client, const http_request& request, SteadyTime until) {
    auto response = Await(client.request(request, cancel_.get_token()), until, nullptr);
    if (!response) return tl::unexpected(response.error());
    response_ = std::move(*response);
    return {};
  }

  const http_response& response() const { return response_; }

  /// The next piece of the body, empty at its end.
  Result<std::string> Read(SteadyTime until) {
    auto buffer = response_.body().streambuf();
    if (buffer.in_avail() > most_bytes_) return TooMuch();
    if (buffer.in_avail() == 0) {
      auto first = Get(buffer, 1, until);
      if (!first || first->empty() || buffer.in_avail() == 0) return first;
      auto rest = Get(buffer, std::min(buffer.in_avail(), kPiece), until);
      if (rest) rest->insert(0, *first);
      return rest;
    }
    return Get(buffer, std::min(buffer.in_avail(), kPiece), until);
  }

  tl::unexpected<Error> TooMuch() {
    return GiveUp(most_bytes_ == kMostBytes ? kTooLarge : "the reply has more than was asked for");
  }

  /// Closes the connection.
  tl::unexpected<Error> GiveUp(const char* why) {
    cancel_.cancel();
    return Fail(why);
  }

 private:
  using Buffer = concurrency::streams::streambuf<uint8_t>;

  Result<std::string> Get(Buffer& buffer, size_t count, SteadyTime until) {
    auto bytes = std::make_shared<std::string>(count, '\0');
    auto task = buffer.getn(reinterpret_cast<uint8_t*>(bytes->data()), count);
    const auto got = Await(std::move(task), until, bytes);
    if (!got) return tl::unexpected(got.error());
    bytes->resize(*got);
    return std::move(*bytes);
  }

  /// `target`: what the task writes to, kept until it has ended, whatever becomes of this exchange.
  template <class T>
  Result<T> Await(pplx::task<T> task, SteadyTime until, const std::shared_ptr<void>& target) {
    if (task.is_done()) return Observe(task);
    auto promise = std::make_shared<std::promise<Result<T>>>();
    auto future = promise->get_future();
    task.then([promise, target](const pplx::task<T>& ended) { promise->set_value(Observe(ended)); },
              std::make_shared<RunAtOnce>());
    while (true) {
      const SteadyTime now = std::chrono::steady_clock::now();
      const auto slice = std::min<std::chrono::nanoseconds>(meter_ ? kForeignSlice : kSlice, until - now);
      if (future.wait_for(slice) == std::future_status::ready) return future.get();
      const bool stopped = stopped_();
      const bool flooded = meter_ && meter_->Count() > most_bytes_ + kForeignHead;
      if (!stopped && !flooded && std::chrono::steady_clock::now() < until) continue;
      cancel_.cancel();
      future.wait_for(kFarewell);
      return Fail(stopped ? "stopped" : flooded ? "the reply is too large" : "timed out");
    }
  }

  const size_t most_bytes_;
  const std::function<bool()> stopped_;
  std::shared_ptr<const Meter> meter_;
  pplx::cancellation_token_source cancel_;
  http_response response_;
};

Response Head(const http_response& from, const Request& request) {
  Response head{.status = from.status_code(), .body = {}, .retry_after = {}, .received = 0};
  for (const std::string& name : request.reads_headers) {
    if (const auto at = from.headers().find(name); at != from.headers().end())
      head.headers[name] = at->second;
  }
  const auto header = from.headers().find("Retry-After");
  if (header == from.headers().end()) return head;
  const std::string& text = header->second;
  int seconds = 0;  // the other form, a date, is never sent by an API server
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error == std::errc() && end == text.data() + text.size() && seconds >= 0)
    head.retry_after = std::chrono::seconds(seconds);
  return head;
}

/// `proxy`: as config.h has it.
web::web_proxy MakeProxy(const std::string& proxy) {
  const web::uri whole(proxy);
  web::uri_builder address;
  address.set_scheme("http").set_host(whole.host()).set_port(whole.port() > 0 ? whole.port() : 80);
  web::web_proxy made(address.to_uri());
  const std::string& user = whole.user_info();
  const size_t colon = std::min(user.find(':'), user.size());
  if (!user.empty())
    made.set_credentials({web::uri::decode(user.substr(0, colon)),
                          web::uri::decode(user.substr(std::min(colon + 1, user.size())))});
  return made;
}

class CpprestTransport final : public HttpTransport {
 public:
  explicit CpprestTransport(const TransportConfig& config)
      : config_(config),
        token_(config.token_file.empty() ? TokenSource(config.token)
                                         : TokenSource(config.token_file, config.token)),
        requests_(MakeClient()) {}

  Result<Response> Send(const Request& request, std::chrono::milliseconds deadline) override {
    return Guarded<Response>(
        [&] { return SendOrThrow(request, std::chrono::steady_clock::now() + deadline); });
  }

  Result<void> Stream(const Request& request, std::chrono::milliseconds idle, const std::atomic<bool>& stop,
                      const std::function<bool(const Response& head)>& on_head,
                      const std::function<bool(std::string_view data)>& on_data) override {
    return Guarded<void>([&] { return StreamOrThrow(request, idle, stop, on_head, on_data); });
  }

  void Shutdown() override { shut_down_ = true; }

 private:
  /// The edge at which exceptions end.
  template <class T, class F>
  Result<T> Guarded(F call) {
    try {
      if (shut_down_) return Fail("stopped");
      return call();
    } catch (const std::exception& e) {
      return Fail(e.what());
    }
  }

  Result<Response> SendOrThrow(const Request& request, SteadyTime until) {
    const auto message = MakeRequest(request);
    if (!message) return tl::unexpected(message.error());
    Exchange exchange(request.most_bytes, [this] { return shut_down_.load(); });
    std::optional<http_client> own;
    if (config_.foreign) {
      const auto family = FamilyOf(web::uri(config_.server).host());
      if (!family) return tl::unexpected(family.error());
      const auto meter = std::make_shared<Meter>();
      own = MakeClient(
          [meter, family = *family](boost::asio::ip::tcp::socket& socket) { meter->Open(socket, family); });
      exchange.Watch(meter);
    }
    http_client& client = own ? *own : requests_;
    if (auto begun = exchange.Begin(client, *message, until); !begun) return tl::unexpected(begun.error());
    Response response = Head(exchange.response(), request);
    if (request.method == Method::Head) {  // has no body, whatever its length says
      static_cast<void>(exchange.GiveUp(""));
      return response;
    }
    std::optional<LineFilter> filter;
    if (!request.only_lines_with.empty() && response.status == 200) filter.emplace(request.only_lines_with);
    while (true) {
      const auto piece = exchange.Read(until);
      if (!piece) return tl::unexpected(piece.error());
      if (piece->empty()) break;
      response.received += piece->size();
      if (response.received > request.most_bytes) return exchange.TooMuch();
      filter ? filter->Feed(*piece) : static_cast<void>(response.body.append(*piece));
    }
    if (filter) response.body = filter->Take();
    return response;
  }

  Result<void> StreamOrThrow(const Request& request, std::chrono::milliseconds idle,
                             const std::atomic<bool>& stop,
                             const std::function<bool(const Response& head)>& on_head,
                             const std::function<bool(std::string_view data)>& on_data) {
    const auto message = MakeRequest(request);
    if (!message) return tl::unexpected(message.error());
    // A client of its own: its connection is never shared, and is closed with it
    http_client client = MakeClient();
    Exchange exchange(request.most_bytes, [&] { return stop || shut_down_; });
    const auto by = [&] { return std::chrono::steady_clock::now() + idle; };
    // An end that was asked for is no error
    const auto ended = [&](const Error& error) -> Result<void> {
      if (stop) return {};
      return tl::unexpected(error);
    };
    if (auto begun = exchange.Begin(client, *message, by()); !begun) return ended(begun.error());
    bool more = on_head(Head(exchange.response(), request));
    while (more) {
      const auto piece = exchange.Read(by());
      if (!piece) return ended(piece.error());
      if (piece->empty()) return {};
      more = !stop && on_data(*piece);
    }
    static_cast<void>(exchange.GiveUp(""));
    return {};
  }

  Result<http_request> MakeRequest(const Request& request) {
    const auto token = token_.Get(std::chrono::steady_clock::now());
    if (!token) return tl::unexpected(token.error());
    http_request message(Name(request.method));
    message.set_request_uri(web::uri(request.path));
    message.headers().add("Accept", request.accept);
    if (!token->empty()) message.headers().add("Authorization", "Bearer " + *token);
    if (token->empty() && !request.authorization.empty())
      message.headers().add("Authorization", request.authorization);
    if (config_.foreign) {
      message.headers().add("Connection", "close");
      message.headers().add("User-Agent", "imagebatch");
    }
    if (!request.body.empty()) message.set_body(request.body, request.content_type);
    return message;
  }

  /// `on_socket`: called with the socket of each connection before it is connected.
  http_client MakeClient(
      const std::function<void(boost::asio::ip::tcp::socket&)>& on_socket = nullptr) const {
    http_client_config settings;
    settings.set_timeout(kNever);
    settings.set_max_redirects(0);
    if (config_.skip_tls_verify) settings.set_validate_certificates(false);
    if (!config_.proxy.empty()) settings.set_proxy(MakeProxy(config_.proxy));
    // Called for each new connection; an exception from here fails the request
    settings.set_ssl_context_callback([config = config_](boost::asio::ssl::context& context) {
      if (const auto set = ConfigureTls(context.native_handle(), config); !set)
        throw std::runtime_error(set.error().message);
    });
    if (on_socket) {
      const bool tls = config_.server.starts_with("https:");
      settings.set_nativehandle_options([on_socket, tls](web::http::client::native_handle handle) {
        using Socket = boost::asio::ip::tcp::socket;
        on_socket(tls ? static_cast<boost::asio::ssl::stream<Socket&>*>(handle)->next_layer()
                      : *static_cast<Socket*>(handle));
      });
    }
    return http_client(web::uri(config_.server), settings);
  }

  const TransportConfig config_;
  TokenSource token_;
  http_client requests_;
  std::atomic<bool> shut_down_ = false;
};

/// What would make every connection fail is said at once.
Result<void> Check(const TransportConfig& config) {
  const web::uri server(config.server);
  if (server.host().find_first_of("[:") != std::string::npos)
    return Fail("server " + config.server + ": IPv6 addresses are not supported; use a DNS name");
  if (server.host().empty()) return Fail("server " + config.server + ": no host");
  if (server.scheme() != "https") return {};
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_client_method()),
                                                                  SSL_CTX_free);
  return ConfigureTls(context.get(), config);
}

}  // namespace

Result<std::unique_ptr<HttpTransport>> MakeCpprestTransport(const TransportConfig& config) {
  static std::once_flag threads;
  try {
    std::call_once(threads, [] { crossplat::threadpool::initialize_with_threads(kPoolThreads); });
    if (auto checked = Check(config); !checked) return tl::unexpected(checked.error());
    return std::make_unique<CpprestTransport>(config);
  } catch (const std::exception& e) {
    return Fail("server " + config.server + ": " + e.what());
  }
}

}  // namespace imagebatch::kube
