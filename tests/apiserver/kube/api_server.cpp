#include "apiserver/kube/api_server.h"

#include <fcntl.h>
#include <spawn.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>
#include <vector>

#include "kube/cpprest_transport.h"
#include "kube/status.h"

namespace imagebatch::testing {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

[[noreturn]] void Die(const std::string& what) {
  std::fprintf(stderr, "API server of the test: %s\n", what.c_str());
  std::abort();
}

std::string ReadAll(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Gone, or a zombie that nobody has waited for; with all its threads, for the last one closes its sockets.
bool HasEnded(int pid) {
  const std::string process = "/proc/" + std::to_string(pid);
  const std::string stat = ReadAll(process + "/stat");
  const size_t name_end = stat.rfind(") ");
  if (name_end == std::string::npos) return true;
  std::error_code gone;
  const std::filesystem::directory_iterator threads(process + "/task", gone);
  return gone || (stat[name_end + 2] == 'Z' && std::distance(begin(threads), end(threads)) <= 1);
}

}  // namespace

ApiServer::ApiServer() {
  auto loaded = kube::LoadKubeconfig("", "");
  if (!loaded) Die(loaded.error().message);
  config = loaded->transport;
  directory_ = std::filesystem::path(std::getenv("KUBECONFIG")).parent_path();
  auto transport = kube::MakeCpprestTransport(config);
  if (!transport) Die(transport.error().message);
  transport_ = std::move(*transport);
  client_ = std::make_unique<kube::ApiClient>(*transport_, stats_);
  const auto created =
      Send(kube::Method::Post, "/api/v1/namespaces", {{"metadata", {{"generateName", "kube-test-"}}}});
  if (!created || created->status != 201) Die("no namespace");
  ns = json::parse(created->body)["metadata"]["name"];
}

ApiServer::~ApiServer() { static_cast<void>(Send(kube::Method::Delete, "/api/v1/namespaces/" + ns)); }

Result<kube::Response> ApiServer::Send(kube::Method method, const std::string& path, const json& body) {
  kube::Request request;
  request.method = method;
  request.path = path;
  if (!body.is_null()) request.body = body.dump();
  return client_->Send(request);
}

void ApiServer::CreateConfigMap(const std::string& name, const std::string& label) {
  const json object = {{"metadata", {{"name", name}, {"labels", {{"test", label}}}}}};
  SendUntil(kube::Method::Post, ConfigMaps(), object, {201, 409});
}

void ApiServer::DeleteConfigMap(const std::string& name) {
  SendUntil(kube::Method::Delete, ConfigMaps() + "/" + name, nullptr, {200, 404});
}

void ApiServer::SendUntil(kube::Method method, const std::string& path, const json& body,
                          std::initializer_list<int> statuses) {
  const auto give_up = std::chrono::steady_clock::now() + 60s;
  while (true) {
    const auto response = Send(method, path, body);
    if (response && std::ranges::find(statuses, response->status) != statuses.end()) return;
    if (std::chrono::steady_clock::now() > give_up)
      Die(response ? Describe(kube::Refusal(*response)) : response.error().message);
    std::this_thread::sleep_for(20ms);
  }
}

void ApiServer::Kill() {
  const int pid = std::stoi(ReadAll(directory_ + "/daemons/kube-apiserver"));
  arguments_ = ReadAll("/proc/" + std::to_string(pid) + "/cmdline");
  if (arguments_.empty() || kill(pid, SIGKILL) != 0) Die("cannot be killed");
  while (!HasEnded(pid)) std::this_thread::sleep_for(5ms);
}

void ApiServer::Start() {
  std::vector<char*> argv;
  for (size_t at = 0; at < arguments_.size(); at = arguments_.find('\0', at) + 1)
    argv.push_back(&arguments_[at]);
  argv.push_back(nullptr);
  const std::string log = directory_ + "/log/kube-apiserver.log";
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addchdir_np(&actions, directory_.c_str());
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log.c_str(), O_WRONLY | O_APPEND, 0);
  posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);  // it outlives this test
  pid_t pid = 0;
  const int failed = posix_spawn(&pid, argv[0], &actions, &attributes, argv.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) Die("cannot be started again");
  std::ofstream(directory_ + "/daemons/kube-apiserver") << pid << "\n";  // where the fixture looks for it
}

}  // namespace imagebatch::testing
