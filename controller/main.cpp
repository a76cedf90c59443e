// imagebatch: the controller. `imagebatch help` says how it is called.
#include <malloc.h>
#include <pthread.h>

#include <csignal>
#include <cstdlib>
#include <iostream>
#include <string>
#include <thread>

#include "base/log.h"
#include "cluster/loop.h"
#include "kube/client.h"
#include "kube/config.h"
#include "kube/cpprest_transport.h"
#include "metrics/server.h"

namespace {

using namespace imagebatch;

constexpr const char* kUsage = R"(usage: imagebatch controller [--option=value ...]
  --kubeconfig=FILE     how to reach the API server; default: the Pod's ServiceAccount, outside a Pod $KUBECONFIG
  --namespace=NAME      work in this namespace only; default: all
  --runner-image=IMAGE  image with /usr/bin/imagebatch-runner, which supervises each build (required)
  --listen=ADDRESS      for /metrics, /healthz and /readyz; default :8080
  --log-level=LEVEL     debug, info, warn or error; default info
       imagebatch version
       imagebatch help
)";

constexpr int kUsageError = 2;

struct Options {
  std::string kubeconfig, ns, runner_image, listen = ":8080", log_level = "info";
};

Result<Options> ReadOptions(int argc, char** argv) {
  Options options;
  for (int i = 2; i < argc; ++i) {
    const std::string word = argv[i];
    const size_t equals = word.find('=');
    const std::string name = word.substr(0, equals);
    std::string* const target = name == "--kubeconfig"     ? &options.kubeconfig
                                : name == "--namespace"    ? &options.ns
                                : name == "--runner-image" ? &options.runner_image
                                : name == "--listen"       ? &options.listen
                                : name == "--log-level"    ? &options.log_level
                                                           : nullptr;
    if (target == nullptr) return Fail("unknown option " + word);
    if (equals == std::string::npos) return Fail(name + " needs a value: " + name + "=VALUE");
    *target = word.substr(equals + 1);
  }
  if (options.runner_image.empty()) return Fail("--runner-image is required");
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

int RunController(const Options& options, const sigset_t& signals) {
  const auto config = LoadConfig(options.kubeconfig);
  if (!config) return FailToStart(config.error().message);
  const auto transport = kube::MakeCpprestTransport(config->transport);
  if (!transport) return FailToStart(transport.error().message);

  kube::RequestStats stats;
  kube::ApiClient client(**transport, stats);
  cluster::Loop loop(client, stats, options.ns, options.runner_image);
  const auto server = metrics::Server::Start(
      options.listen, {[&] { return loop.Snapshot(); }, [&] { return loop.Health(); }, IMAGEBATCH_VERSION});
  if (!server) return FailToStart(server.error().message);
  log::Info("imagebatch " IMAGEBATCH_VERSION " started, API server " + config->transport.server);

  std::thread waiter([&] {
    int signal = 0;
    sigwait(&signals, &signal);
    loop.Stop();
  });
  loop.Run();
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
  mallopt(M_ARENA_MAX, 2);  // the HTTP library's threads would each keep one
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
  if (!options || !log::Begin(options->log_level)) {
    std::cerr << "imagebatch: "
              << (options ? "--log-level must be debug, info, warn or error" : options.error().message)
              << "\n"
              << kUsage;
    return kUsageError;
  }
  return RunController(*options, signals);
}
