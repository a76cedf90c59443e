#include "daemon/controller_command.h"

#include <malloc.h>
#include <pthread.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "kube/client.h"
#include "kube/config/config.h"
#include "kube/cpprest_transport.h"
#include "log/log.h"
#include "loop/loop.h"
#include "loop/own_image.h"
#include "loop/registry_access.h"
#include "metrics/server.h"

namespace imagebatch::daemon {
namespace {

using cli::Exit;

struct Options {
  std::string kubeconfig, ns, listen = ":8080", log_level = "info";
  std::string resources, security_context;  // JSON
  cluster::RunnerSource runner;
  std::vector<std::string> registries, auth_files, auth_secrets;
  cluster::RegistrySources registry;
};

/// The JSON object in `text`, null where it is empty.
Result<nlohmann::json> ReadObject(const std::string& option, const std::string& text) {
  if (text.empty()) return nlohmann::json();
  auto object = nlohmann::json::parse(text, nullptr, false);
  if (!object.is_object()) return Fail(option + " must be a JSON object");
  return object;
}

/// The Pod that the controller runs in, by the downward API; empty: none.
std::string OwnPod() {
  const char* name = std::getenv("POD_NAME");  // NOLINT(concurrency-mt-unsafe): one thread yet
  return name == nullptr ? "" : name;
}

/// What the options say beyond their spelling.
Result<void> Complete(Options& options) {
  auto read = ReadObject("--runner-resources", options.resources);
  if (!read) return tl::unexpected(read.error());
  options.runner.resources = std::move(*read);
  read = ReadObject("--runner-security-context", options.security_context);
  if (!read) return tl::unexpected(read.error());
  options.runner.security_context = std::move(*read);
  for (const std::string& host : options.registries) {
    if (const auto added = options.registry.hosts.Add(host); !added)
      return Fail("--registries: " + added.error().message);
  }
  for (const std::string& secret : options.auth_secrets) {
    if (const auto added = options.registry.AddSecret(secret); !added)
      return Fail("--registry-secrets: " + added.error().message);
  }
  options.registry.files.assign(options.auth_files.begin(), options.auth_files.end());
  if (options.runner.image.empty() && OwnPod().empty()) {
    return Fail("--runner-image is required unless POD_NAME names the Pod whose image to use");
  }
  return {};
}

Result<kube::ClusterConfig> LoadConfig(const std::string& kubeconfig) {
  const bool in_pod =
      std::getenv("KUBERNETES_SERVICE_HOST") != nullptr;  // NOLINT(concurrency-mt-unsafe): one thread yet
  return kubeconfig.empty() && in_pod ? kube::LoadInCluster() : kube::LoadKubeconfig(kubeconfig, "");
}

/// To a registry, which may be anybody's.
Result<std::unique_ptr<kube::HttpTransport>> Connect(const std::string& server) {
  kube::TransportConfig config;
  config.server = server;
  config.foreign = true;
  return kube::MakeCpprestTransport(config);
}

Exit FailToStart(const std::string& message) {
  log::Error(message);
  return Exit::Failed;
}

/// What the pages show while there is no loop yet: the controller is alive, and `trouble` is why it waits.
class Pages {
 public:
  void Wait(const std::string& trouble) {
    const MutexLock lock(mutex_);
    trouble_ = trouble;
  }
  /// From then on those of `loop`, which must outlive the server.
  void Show(const cluster::Loop& loop) { loop_ = &loop; }

  std::shared_ptr<const metrics::Snapshot> Snapshot() const {
    const cluster::Loop* loop = loop_;
    return loop == nullptr ? nullptr : loop->Snapshot();
  }
  metrics::Health Health() const {
    if (const cluster::Loop* loop = loop_) return loop->Health();
    const MutexLock lock(mutex_);
    return {.live = {true, "starting"}, .ready = {false, trouble_}};
  }

 private:
  std::atomic<const cluster::Loop*> loop_ = nullptr;
  mutable Mutex mutex_;
  std::string trouble_ GUARDED_BY(mutex_) = "starting";
};

/// Waits; false where one of `signals` came.
bool Sleep(const sigset_t& signals, std::chrono::seconds time) {
  const timespec span{.tv_sec = time.count(), .tv_nsec = 0};
  return sigtimedwait(&signals, nullptr, &span) < 0;
}

constexpr int kLargePiece = 512 * 1024;  // of memory, in bytes: given back to the kernel when it is freed

Exit Run(Options options, const sigset_t& signals) {
  const auto config = LoadConfig(options.kubeconfig);
  if (!config) return FailToStart(config.error().message);
  const auto transport = kube::MakeCpprestTransport(config->transport);
  if (!transport) return FailToStart(transport.error().message);

  kube::RequestStats stats;
  kube::ApiClient client(**transport, stats);
  Pages pages;
  std::optional<cluster::Loop> loop;  // outlives the server, whose threads ask it
  const auto server = metrics::Server::Start(
      options.listen, {[&] { return pages.Snapshot(); }, [&] { return pages.Health(); }, IMAGEBATCH_VERSION});
  if (!server) return FailToStart(server.error().message);
  log::Info("imagebatch " IMAGEBATCH_VERSION " started, API server " + config->transport.server);
  if (options.runner.image.empty()) {
    options.runner.image = cluster::ReadOwnImage(
        client, config->namespace_name, OwnPod(),
        [&](std::chrono::seconds time) { return Sleep(signals, time); },
        [&](const std::string& trouble) { pages.Wait(trouble); });
    if (options.runner.image.empty()) return Exit::Done;  // told to stop meanwhile
  }
  loop.emplace(client, stats, options.ns, options.runner, Connect);
  pages.Show(*loop);

  std::optional<cluster::RegistryAccess> access;
  access.emplace(client, options.registry,
                 [&loop](registry::Access found) { loop->SetRegistryAccess(std::move(found)); });
  std::thread waiter([&] {
    int signal = 0;
    sigwait(&signals, &signal);
    loop->Stop();
  });
  loop->Run();
  waiter.join();
  (*transport)->Shutdown();  // which ends what `access` may wait for
  access.reset();
  log::Info("stopped");
  return Exit::Done;
}

Exit Start(Options options) {
  if (const auto complete = Complete(options); !complete) {
    std::cerr << "imagebatch controller: " << complete.error().message << "\n";
    return Exit::Usage;
  }
  // Before any thread is there: a closed standard output must not end the process, and the signals that do
  // are waited for by one thread.
  std::signal(SIGPIPE, SIG_IGN);
  // NOLINTBEGIN(concurrency-mt-unsafe)
  mallopt(M_ARENA_MAX, 2);  // the HTTP library's threads would each keep one
  // Fixed, or glibc raises both to the size of the largest reply that was freed, and then keeps as much
  mallopt(M_MMAP_THRESHOLD, kLargePiece);
  mallopt(M_TRIM_THRESHOLD, kLargePiece);
  // NOLINTEND(concurrency-mt-unsafe)
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  log::Begin(options.log_level);
  return Run(std::move(options), signals);
}

}  // namespace

void AddController(CLI::App& app, Exit& exit) {
  CLI::App* command =
      app.add_subcommand("controller", "Build the ImageBatches of a cluster; the chart starts it");
  command->footer(
      "Example:\n  imagebatch controller --kubeconfig=admin.conf "
      "--runner-image=registry.example/imagebatch:0.1.0");
  const auto options = std::make_shared<Options>();
  const auto add = [command](const char* name, std::string& value, const char* help) {
    return command->add_option(name, value, help);
  };
  add("--kubeconfig", options->kubeconfig,
      "how to reach the API server (default: the Pod's ServiceAccount; outside a Pod $KUBECONFIG)");
  add("--namespace", options->ns, "the only namespace to work in (default: all)");
  add("--runner-image", options->runner.image,
      "image that has /usr/bin/imagebatch-runner, which supervises each build (default: the image of the "
      "controller's own Pod, which $POD_NAME names)");
  add("--runner-image-pull-policy", options->runner.pull_policy,
      "of the init container that installs the runner")
      ->check(CLI::IsMember({"Always", "IfNotPresent", "Never"}));
  add("--runner-resources", options->resources,
      "its resources, as JSON (default: those of the build container)");
  add("--runner-security-context", options->security_context, "merged into its security context, as JSON");
  const auto add_list = [command](const char* name, std::vector<std::string>& values, const char* help) {
    command->add_option(name, values, help)->delimiter(',')->allow_extra_args(false);
  };
  add_list("--registries", options->registries,
           "hosts that may be asked for images (existing: Skip) and tokens, beside those with a login; "
           "http://HOST is asked in plain HTTP");
  add_list("--registry-auth", options->auth_files, "files with logins, like ~/.docker/config.json");
  add_list("--registry-secrets", options->auth_secrets, "Secrets with logins, NAMESPACE/NAME");
  add("--listen", options->listen, "address of /metrics, /healthz and /readyz")->capture_default_str();
  add("--log-level", options->log_level, "")
      ->check(CLI::IsMember({"debug", "info", "warn", "error"}))
      ->capture_default_str();
  command->callback([options, &exit] { exit = Start(*options); });
}

}  // namespace imagebatch::daemon
