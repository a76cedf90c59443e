// How many Jobs a second the controller's own path to the API server creates (ApiClient and Dispatcher),
// beside a raw client with as many connections in the same run. Rounds alternate, so that both meet the same
// machine. Usage: create_rate [JOBS [ROUNDS]]     default 500 and 5; the cluster is that of the kubeconfig.
// The Jobs are suspended, so nothing runs, and are deleted after each round.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "bench/raw_client.h"
#include "kube/cpprest_transport.h"
#include "kube/dispatcher.h"
#include "kube/status.h"

namespace imagebatch::bench {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

constexpr int kConnections = 8;
const std::string kJobs = "/apis/batch/v1/namespaces/default/jobs";
const std::string kSelector = "?labelSelector=imagebatch.dev%2Fbench%3Dcreate-rate";

[[noreturn]] void Die(const std::string& what) {
  std::fprintf(stderr, "create_rate: %s\n", what.c_str());
  std::exit(1);
}

/// A Job of the size that the controller makes.
std::string JobBody(const std::string& name) {
  const json container = {
      {"name", "build"},
      {"image", "registry.example/builder:1"},
      {"command", {"/imagebatch/imagebatch-runner", "--state", "/imagebatch/state", "--", "build"}},
      {"env", {{{"name", "ROW"}, {"value", std::string(400, 'x')}}}},
      {"volumeMounts", {{{"name", "imagebatch"}, {"mountPath", "/imagebatch"}}}}};
  const json pod = {{"containers", {container}},
                    {"restartPolicy", "Never"},
                    {"automountServiceAccountToken", false},
                    {"volumes", {{{"name", "imagebatch"}, {"emptyDir", json::object()}}}}};
  const json metadata = {{"name", name}, {"labels", {{"imagebatch.dev/bench", "create-rate"}}}};
  return json{{"apiVersion", "batch/v1"},
              {"kind", "Job"},
              {"metadata", metadata},
              {"spec", {{"suspend", true}, {"backoffLimit", 0}, {"template", {{"spec", pod}}}}}}
      .dump();
}

std::vector<std::string> Bodies(int count, const std::string& prefix) {
  std::vector<std::string> bodies;
  for (int i = 0; i < count; ++i) bodies.push_back(JobBody(prefix + "-" + std::to_string(i)));
  return bodies;
}

/// Creates all and returns the seconds it took.
double DispatchAll(kube::ApiClient& client, const std::vector<std::string>& bodies) {
  std::atomic<int> failures = 0;
  kube::Dispatcher dispatcher(
      client,
      [&](uint64_t, Result<kube::Response> result) { failures += result && result->status == 201 ? 0 : 1; },
      1, kConnections);
  const auto start = std::chrono::steady_clock::now();
  for (size_t i = 0; i < bodies.size(); ++i) {
    kube::Request request;
    request.method = kube::Method::Post;
    request.path = kJobs;
    request.body = bodies[i];
    dispatcher.Submit(i, std::move(request));
  }
  if (!dispatcher.Drain(10min)) Die("not done in 10 minutes");
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  if (failures > 0) Die(std::to_string(failures) + " Jobs were not created");
  return took.count();
}

void DeleteAll(kube::ApiClient& client) {
  kube::Request request;
  request.method = kube::Method::Delete;
  request.path = kJobs + kSelector;
  request.body = R"({"propagationPolicy":"Background"})";
  const auto response = client.Send(request);
  if (!response) Die(response.error().message);
  if (response->status != 200) Die(Describe(kube::Refusal(*response)));
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

/// CPU time of this process so far, in seconds.
double CpuSeconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

/// RSS of this process in MiB.
double ResidentMebibytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.rfind("VmRSS:", 0) == 0) return std::strtod(line.c_str() + 6, nullptr) / 1024;
  return 0;
}

void Run(int jobs, int rounds) {
  const auto config = kube::LoadKubeconfig("", "");
  if (!config) Die(config.error().message);
  const auto transport = kube::MakeCpprestTransport(config->transport);
  if (!transport) Die(transport.error().message);
  kube::RequestStats stats;
  kube::ApiClient client(**transport, stats, 5min);
  DeleteAll(client);

  std::vector<double> ours, raw, ratios;
  double our_cpu = 0, raw_cpu = 0;
  for (int round = -1; round < rounds; ++round) {  // the first warms the server up and is not counted
    const std::string name = "bench-" + std::to_string(round + 1);
    double dispatched = 0;
    const auto dispatch = [&] {
      const auto bodies = Bodies(jobs, name + "-dispatcher");
      const double before = CpuSeconds();
      dispatched = jobs / DispatchAll(client, bodies);
      our_cpu += CpuSeconds() - before;
      DeleteAll(client);
    };
    if (round % 2 == 0) dispatch();
    const auto bodies = Bodies(jobs, name + "-raw");
    const double before = CpuSeconds();
    const auto posted = PostAll(config->transport, kJobs, bodies, kConnections);
    raw_cpu += CpuSeconds() - before;
    DeleteAll(client);
    if (!posted) Die(posted.error().message);
    if (round % 2 != 0) dispatch();
    if (round < 0) continue;
    ours.push_back(dispatched);
    raw.push_back(jobs / *posted);
    ratios.push_back(ours.back() / raw.back());
    std::printf("round %d: dispatcher %5.0f/s   raw client %5.0f/s   ratio %.2f\n", round + 1, ours.back(),
                raw.back(), ratios.back());
  }
  std::printf(
      "median of %d rounds of %d Jobs on %d connections: dispatcher %.0f/s, raw client %.0f/s, ratio %.2f\n",
      rounds, jobs, kConnections, Median(ours), Median(raw), Median(ratios));
  const double requests = static_cast<double>(jobs) * (rounds + 1);
  std::printf("CPU of the client per Job: dispatcher %.2f ms, raw client %.2f ms; RSS %.0f MiB\n",
              1000 * our_cpu / requests, 1000 * raw_cpu / requests, ResidentMebibytes());
}

}  // namespace
}  // namespace imagebatch::bench

int main(int argc, char** argv) {
  const int jobs = argc > 1 ? std::atoi(argv[1]) : 500, rounds = argc > 2 ? std::atoi(argv[2]) : 5;
  if (argc > 3 || jobs < 1 || rounds < 1) {
    std::fprintf(stderr, "usage: create_rate [JOBS [ROUNDS]]\n");
    return 2;
  }
  imagebatch::bench::Run(jobs, rounds);
}
