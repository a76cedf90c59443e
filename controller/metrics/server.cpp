#include "metrics/server.h"

#include <civetweb.h>
#include <prometheus/text_serializer.h>

#include <array>
#include <exception>
#include <string_view>
#include <thread>
#include <utility>

#include "base/text.h"
#include "metrics/families.h"
#include "metrics/process.h"

namespace imagebatch::metrics {
namespace {

constexpr const char* kText = "text/plain; charset=utf-8";
constexpr const char* kExposition = "text/plain; version=0.0.4; charset=utf-8";

struct Reply {
  int code = 200;
  const char* type = kText;
  std::string body;
};

Reply CheckPage(const Check& check) {
  return {check.ok ? 200 : 503, kText, Printable(check.reason, 1000) + "\n"};
}

Reply MetricsPage(const Sources& sources) {
  static const Snapshot kNothingYet;
  const auto snapshot = sources.snapshot();
  auto families = Families(snapshot ? *snapshot : kNothingYet, sources.version);
  for (auto& family : ProcessFamilies()) families.push_back(std::move(family));
  return {200, kExposition, prometheus::TextSerializer().Serialize(families)};
}

Reply Route(std::string_view method, std::string_view path, const Sources& sources) {
  const bool known = path == "/metrics" || path == "/healthz" || path == "/readyz";
  if (!known) return {404, kText, "there are /metrics, /healthz and /readyz\n"};
  if (method != "GET" && method != "HEAD") return {405, kText, "only GET and HEAD\n"};
  if (path == "/metrics") return MetricsPage(sources);
  const Health health = sources.health();
  return CheckPage(path == "/healthz" ? health.live : health.ready);
}

const char* Phrase(int code) {
  switch (code) {
    case 200:
      return "OK";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 503:
      return "Service Unavailable";
    default:
      return "Internal Server Error";
  }
}

void Send(mg_connection* connection, const Reply& reply, bool with_body) {
  const std::string head = "HTTP/1.1 " + std::to_string(reply.code) + " " + Phrase(reply.code) +
                           "\r\nContent-Type: " + reply.type +
                           "\r\nContent-Length: " + std::to_string(reply.body.size()) +
                           (reply.code == 405 ? "\r\nAllow: GET, HEAD" : "") +
                           "\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n";
  // A peer that has gone is its own affair; the library closes the connection either way.
  mg_write(connection, head.data(), head.size());
  if (with_body) mg_write(connection, reply.body.data(), reply.body.size());
}

/// "HOST:PORT" or ":PORT" and nothing else the library would take, such as a list, or a suffix for TLS.
bool IsAddress(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return false;
  const auto host = text.substr(0, colon), port = text.substr(colon + 1);
  return host.find_first_not_of("0123456789abcdefABCDEF.:[]") == host.npos && !port.empty() &&
         port.size() <= 5 && port.find_first_not_of("0123456789") == port.npos;
}

}  // namespace

struct Server::State {
  Sources sources;
  std::thread::id starter = std::this_thread::get_id();
  std::string complaint;  // written by the starter alone
  mg_context* context = nullptr;

  static int HandleRequest(mg_connection* connection);
  static int KeepComplaint(const mg_connection* connection, const char* message);
  bool Listen(const std::string& ports);
};

int Server::State::HandleRequest(mg_connection* connection) {
  const auto* request = mg_get_request_info(connection);
  const auto* state = static_cast<const State*>(mg_get_user_data(mg_get_context(connection)));
  const std::string_view method = request->request_method;
  Reply reply;
  try {  // the caller is C
    reply = Route(method, request->local_uri == nullptr ? "" : request->local_uri, state->sources);
  } catch (const std::exception& error) {
    reply = {500, kText, Printable(error.what(), 1000) + "\n"};
  }
  Send(connection, reply, method != "HEAD");
  return reply.code;
}

/// The library says why it cannot listen in its log only. What its threads say later is about single
/// connections and not worth a line.
int Server::State::KeepComplaint(const mg_connection* connection, const char* message) {
  auto* state = static_cast<State*>(mg_get_user_data(mg_get_context(connection)));
  if (std::this_thread::get_id() == state->starter && state->complaint.empty())
    state->complaint = Printable(message, 300);
  return 1;
}

bool Server::State::Listen(const std::string& ports) {
  complaint.clear();
  // Four threads, each with one connection until its reply is sent. A client that connects and says nothing
  // holds one of them for 2 s at most, so that it cannot keep the probes out.
  std::array<const char*, 7> options = {"listening_ports",    ports.c_str(), "num_threads", "4",
                                        "request_timeout_ms", "2000",        nullptr};
  mg_callbacks callbacks{};
  callbacks.begin_request = HandleRequest;
  callbacks.log_message = KeepComplaint;
  mg_init_data init{&callbacks, this, options.data()};
  context = mg_start2(&init, nullptr);
  return context != nullptr;
}

Result<std::unique_ptr<Server>> Server::Start(const std::string& address, Sources sources) {
  if (!IsAddress(address))
    return Fail("cannot listen on \"" + Printable(address, 100) + "\": not IP:PORT or :PORT");
  auto state = std::make_unique<State>();
  state->sources = std::move(sources);
  // To the library, "+PORT" is IPv4 and IPv6 at once and "PORT" is IPv4, for a kernel that knows nothing
  // else.
  const std::string port = address.substr(1);
  const bool listens =
      address.front() == ':' ? state->Listen("+" + port) || state->Listen(port) : state->Listen(address);
  if (!listens) return Fail("cannot listen on " + address + ": " + state->complaint);
  return std::unique_ptr<Server>(new Server(std::move(state)));
}

Server::Server(std::unique_ptr<State> state) : state_(std::move(state)) {}

Server::~Server() { mg_stop(state_->context); }

int Server::port() const {
  std::array<mg_server_port, 1> ports{};
  return mg_get_server_ports(state_->context, static_cast<int>(ports.size()), ports.data()) > 0
             ? ports[0].port
             : 0;
}

}  // namespace imagebatch::metrics
