#include "kube/plugin_transport.h"

#include <utility>

#include "base/mutex.h"
#include "kube/cpprest_transport.h"

namespace imagebatch::kube {
namespace {

constexpr int kUnauthorized = 401;

class PluginTransport final : public HttpTransport {
 public:
  PluginTransport(TransportConfig config, PluginSource source)
      : config_(std::move(config)), source_(std::move(source)) {}

  Result<Response> Send(const Request& request, std::chrono::milliseconds deadline) override {
    auto used = Current(nullptr);
    if (!used) return tl::unexpected(used.error());
    auto response = (*used)->Send(request, deadline);
    if (!response || response->status != kUnauthorized) return response;
    used = Current(used->get());
    if (!used) return tl::unexpected(used.error());
    return (*used)->Send(request, deadline);
  }

  Result<void> Stream(const Request& request, std::chrono::milliseconds idle, const std::atomic<bool>& stop,
                      const std::function<bool(const Response& head)>& on_head,
                      const std::function<bool(std::string_view data)>& on_data) override {
    auto used = Current(nullptr);
    if (!used) return tl::unexpected(used.error());
    bool refused = false;
    const auto first = [&](const Response& head) {
      refused = head.status == kUnauthorized;
      return !refused && on_head(head);
    };
    auto streamed = (*used)->Stream(request, idle, stop, first, on_data);
    if (!refused) return streamed;
    used = Current(used->get());
    if (!used) return tl::unexpected(used.error());
    return (*used)->Stream(request, idle, stop, on_head, on_data);
  }

  void Shutdown() override {
    const MutexLock lock(mutex_);
    shut_down_ = true;
    if (current_) current_->Shutdown();
  }

 private:
  /// The transport with a credential that is good now, and is not that of `refused`.
  Result<std::shared_ptr<HttpTransport>> Current(const HttpTransport* refused) {
    const MutexLock lock(mutex_);
    if (shut_down_) return Fail("stopped");
    const bool expired = expires_ && source_.clock.Now() >= *expires_;
    if (current_ && !expired && current_.get() != refused) return current_;
    const auto credential = source_.run();
    if (!credential) return tl::unexpected(credential.error());
    TransportConfig config = config_;
    config.token = credential->token;
    if (!credential->client_certificate.empty()) {
      config.client_certificate = {.file = {}, .data = credential->client_certificate};
      config.client_key = {.file = {}, .data = credential->client_key};
    }
    auto made = source_.make(config);
    if (!made) return tl::unexpected(made.error());
    current_ = std::move(*made);
    expires_ = credential->expires;
    return current_;
  }

  const TransportConfig config_;
  const PluginSource source_;
  Mutex mutex_;
  std::shared_ptr<HttpTransport> current_ GUARDED_BY(mutex_);
  std::optional<Time> expires_ GUARDED_BY(mutex_);
  bool shut_down_ GUARDED_BY(mutex_) = false;
};

}  // namespace

std::unique_ptr<HttpTransport> MakePluginTransport(TransportConfig config, PluginSource source) {
  return std::make_unique<PluginTransport>(std::move(config), std::move(source));
}

Result<std::unique_ptr<HttpTransport>> MakePersonalTransport(const ClusterConfig& config, bool terminal,
                                                             const Clock& clock) {
  if (!config.plugin) return MakeCpprestTransport(config.transport);
  const auto run = [plugin = *config.plugin, terminal] { return RunPlugin(plugin, terminal); };
  return MakePluginTransport(config.transport, {run, MakeCpprestTransport, clock});
}

}  // namespace imagebatch::kube
