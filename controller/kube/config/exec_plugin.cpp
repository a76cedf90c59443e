#include "kube/config/exec_plugin.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <nlohmann/json.hpp>
#include <system_error>
#include <vector>

#include "base/descriptor.h"
#include "base/text.h"

namespace imagebatch::kube {
namespace {

using nlohmann::json;

constexpr size_t kMostOutput = 1 << 20;
constexpr size_t kMostHint = 1024;
constexpr const char* kInfoVariable = "KUBERNETES_EXEC_INFO";

std::string Message(int error) { return std::generic_category().message(error); }

/// A string of an object; empty where it has none.
std::string Text(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

/// The environment of the process with the plugin's own in front, which therefore count.
std::vector<std::string> Environment(const ExecPlugin& plugin, bool interactive) {
  std::vector<std::string> all;
  const auto add = [&](const std::string& name, const std::string& value) {
    all.push_back(name + "=" + value);
  };
  for (const auto& [name, value] : plugin.environment) add(name, value);
  add(kInfoVariable, ExecInfo(plugin, interactive));
  const auto is_set = [&](std::string_view name) {
    return std::any_of(all.begin(), all.end(), [&](const std::string& one) { return one.starts_with(name); });
  };
  const size_t own = all.size();
  std::vector<std::string> inherited;
  for (char** one = environ; *one != nullptr; ++one) {
    const std::string_view variable = *one;
    if (!is_set(variable.substr(0, variable.find('=') + 1))) inherited.emplace_back(variable);
  }
  all.insert(all.begin() + static_cast<std::ptrdiff_t>(own), inherited.begin(), inherited.end());
  return all;
}

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

/// Starts the plugin with `output` as its standard output; an error number where that fails.
int Spawn(const ExecPlugin& plugin, bool interactive, int output, pid_t& process) {
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  if (!interactive) posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  // What this process blocks and ignores is its own affair
  sigset_t none, back;
  sigemptyset(&none);
  sigemptyset(&back);
  for (const int signal : {SIGPIPE, SIGINT, SIGTERM}) sigaddset(&back, signal);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &back);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);

  std::vector<std::string> words = plugin.arguments;
  words.insert(words.begin(), plugin.command);
  std::vector<std::string> variables = Environment(plugin, interactive);
  const int error = posix_spawnp(&process, plugin.command.c_str(), &files, &attributes,
                                 Pointers(words).data(), Pointers(variables).data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&files);
  return error;
}

/// All that comes; nothing where it is more than kMostOutput.
std::optional<std::string> ReadAll(int from) {
  std::string text;
  std::array<char, 4096> piece;
  while (true) {
    const ssize_t count = read(from, piece.data(), piece.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return text;
    text.append(piece.data(), static_cast<size_t>(count));
    if (text.size() > kMostOutput) return std::nullopt;
  }
}

int Await(pid_t process) {
  int status = 0;
  while (waitpid(process, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

}  // namespace

std::string ExecInfo(const ExecPlugin& plugin, bool interactive) {
  json spec = {{"interactive", interactive}};
  if (!plugin.cluster.empty()) spec["cluster"] = json::parse(plugin.cluster, nullptr, false);
  const json info = {
      {"apiVersion", plugin.api_version}, {"kind", "ExecCredential"}, {"spec", std::move(spec)}};
  return info.dump();
}

Result<Credential> ReadCredential(std::string_view output, const ExecPlugin& plugin) {
  const auto wrong = [&](const std::string& what) {
    return Fail(plugin.place + ": the plugin " + Quote(plugin.command) + " " + what);
  };
  const json object = json::parse(output, nullptr, /*allow_exceptions=*/false);
  if (!object.is_object()) return wrong("printed no JSON object");
  if (Text(object, "kind") != "ExecCredential") return wrong("printed no ExecCredential");
  if (const std::string version = Text(object, "apiVersion"); version != plugin.api_version)
    return wrong("answered in " + Quote(version) + ", its entry says " + plugin.api_version);
  const auto status = object.find("status");
  if (status == object.end() || !status->is_object()) return wrong("gave no status");
  Credential credential{
      Text(*status, "token"), Text(*status, "clientCertificateData"), Text(*status, "clientKeyData"), {}};
  if (credential.client_certificate.empty() != credential.client_key.empty())
    return wrong("gave a client certificate without its key, or a key alone");
  if (credential.token.empty() && credential.client_certificate.empty())
    return wrong("gave neither a token nor a client certificate");
  // White space or control characters would end the header line
  if (std::any_of(credential.token.begin(), credential.token.end(),
                  [](unsigned char c) { return c <= ' ' || c == 0x7F; }))
    return wrong("gave a token with white space or control characters in it");
  if (const std::string expires = Text(*status, "expirationTimestamp"); !expires.empty()) {
    credential.expires = ParseTime(expires);
    if (!credential.expires) return wrong("gave an expirationTimestamp that is no RFC 3339 time");
  }
  return credential;
}

Result<Credential> RunPlugin(const ExecPlugin& plugin, bool terminal) {
  using Interactive = ExecPlugin::Interactive;
  if (plugin.interactive == Interactive::Always && !terminal)
    return Fail(plugin.place + ": the plugin " + Quote(plugin.command) +
                " wants to ask something (interactiveMode: Always), and there is no terminal");
  const bool interactive = plugin.interactive != Interactive::Never && terminal;
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return Fail("pipe: " + Message(errno));
  Descriptor from(ends[0]), to(ends[1]);
  pid_t process = 0;
  if (const int error = Spawn(plugin, interactive, to.Get(), process); error != 0) {
    const std::string hint =
        plugin.install_hint.empty() ? "" : "; " + Printable(plugin.install_hint, kMostHint);
    return Fail(plugin.place + ": cannot run the plugin " + Quote(plugin.command) + ": " + Message(error) +
                hint);
  }
  to.Close();
  const auto output = ReadAll(from.Get());
  if (!output) kill(process, SIGKILL);
  const int status = Await(process);
  const std::string name = plugin.place + ": the plugin " + Quote(plugin.command);
  if (!output) return Fail(name + " printed more than 1 MiB");
  if (WIFSIGNALED(status)) return Fail(name + " was ended by signal " + std::to_string(WTERMSIG(status)));
  if (WEXITSTATUS(status) != 0)
    return Fail(name + " failed with exit code " + std::to_string(WEXITSTATUS(status)));
  return ReadCredential(*output, plugin);
}

}  // namespace imagebatch::kube
