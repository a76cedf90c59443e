// imagebatch: the controller. `imagebatch help` says how it is called.
#include <malloc.h>
#include <pthread.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <thread>

#include "base/mutex.h"
#include "kube/client.h"
#include "kube/config/config.h"
#include "kube/cpprest_transport.h"
#include "log/log.h"
#include "loop/loop.h"
#include "loop/own_image.h"
#include "metrics/server.h"

namespace {

using namespace imagebatch;

constexpr const char* kUsage = R"(Usage:
  imagebatch controller [--OPTION=VALUE...]
      Build the ImageBatches of a cluster.
  imagebatch version
  imagebatch help

Options of the controller:
  --kubeconfig=FILE     how to reach the API server (default: the Pod's ServiceAccount; outside a Pod $KUBECONFIG)
  --namespace=NAME      the only namespace to work in (default: all)
  --runner-image=IMAGE  image that contains /usr/bin/imagebatch-runner, which supervises each build (default: the
                        image of the controller's own Pod, which $POD_NAME names)
  --runner-image-pull-policy=POLICY
                        Always, IfNotPresent or Never, for the init container that installs the runner
  --runner-resources=JSON
                        resources of that init container, as in a Pod (default: those of the build container)
  --runner-security-context=JSON
                        merged into the security context of that init container (default: nothing)
  --listen=ADDRESS      address of /metrics, /healthz and /readyz (default :8080)
  --log-level=LEVEL     debug, info, warn or error (default info)
)";

constexpr int kUsageError = 2;

struct Options {
  std::string kubeconfig, ns, listen = ":8080", log_level = "info";
  cluster::RunnerSource runner;
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

Result<Options> ReadOptions(int argc, char** argv) {
  Options options;
  std::string resources, security_context;
  for (int i = 2; i < argc; ++i) {
    const std::string word = argv[i];
    const size_t equals = word.find('=');
    const std::string name = word.substr(0, equals);
    std::string* const target = name == "--kubeconfig"                 ? &options.kubeconfig
                                : name == "--namespace"                ? &options.ns
                                : name == "--runner-image"             ? &options.runner.image
                                : name == "--runner-image-pull-policy" ? &options.runner.pull_policy
                                : name == "--runner-resources"         ? &resources
                                : name == "--runner-security-context"  ? &security_context
                                : name == "--listen"                   ? &options.listen
                                : name == "--log-level"                ? &options.log_level
                                                                       : nullptr;
    if (target == nullptr) return Fail("unknown option " + word);
    if (equals == std::string::npos) return Fail(name + " needs a value: " + name + "=VALUE");
    *target = word.substr(equals + 1);
  }
  const std::string& level = options.log_level;
  if (level != "debug" && level != "info" && level != "warn" && level != "error") {
    return Fail("--log-level must be debug, info, warn or error");
  }
  const std::string& policy = options.runner.pull_policy;
  if (!policy.empty() && policy != "Always" && policy != "IfNotPresent" && policy != "Never") {
    return Fail("--runner-image-pull-policy must be Always, IfNotPresent or Never");
  }
  auto read = ReadObject("--runner-resources", resources);
  if (!read) return tl::unexpected(read.error());
  options.runner.resources = std::move(*read);
  read = ReadObject("--runner-security-context", security_context);
  if (!read) return tl::unexpected(read.error());
  options.runner.security_context = std::move(*read);
  if (options.runner.image.empty() && OwnPod().empty()) {
    return Fail("--runner-image is required unless POD_NAME names the Pod whose image to use");
  }
  return options;
}

Result<kube::ClusterConfig> LoadConfig(const std::string& kubeconfig) {
  const bool in_pod =
      std::getenv("KUBERNETES_SERVICE_HOST") != nullptr;  // NOLINT(concurrency-mt-unsafe): one thread yet
  return kubeconfig.empty() && in_pod ? kube::LoadInCluster() : kube::LoadKubeconfig(kubeconfig, "");
}

int FailToStart(const std::string& message) {
  log::Error(message);
  return EXIT_FAILURE;
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

int RunController(Options options, const sigset_t& signals) {
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
    if (options.runner.image.empty()) return EXIT_SUCCESS;  // told to stop meanwhile
  }
  loop.emplace(client, stats, options.ns, options.runner);
  pages.Show(*loop);

  std::thread waiter([&] {
    int signal = 0;
    sigwait(&signals, &signal);
    loop->Stop();
  });
  loop->Run();
  waiter.join();
  (*transport)->Shutdown();
  log::Info("stopped");
  return EXIT_SUCCESS;
}

}  // namespace

int main(int argc, char** argv) {
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

  const std::string command = argc > 1 ? argv[1] : "";
  if (command == "version" || command == "--version") {
    std::cout << "imagebatch " IMAGEBATCH_VERSION "\n";
    return EXIT_SUCCESS;
  }
  if (command == "help" || command == "--help") {
    std::cout << kUsage;
    return EXIT_SUCCESS;
  }
  if (command != "controller") {
    std::cerr << (command.empty() ? "" : "imagebatch: unknown command " + command + "\n") << kUsage;
    return kUsageError;
  }
  const auto options = ReadOptions(argc, argv);
  if (!options) {
    std::cerr << "imagebatch: " << options.error().message << "\n" << kUsage;
    return kUsageError;
  }
  log::Begin(options->log_level);
  return RunController(*options, signals);
}
