#include "loop/registry_access.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "base/base64.h"
#include "base/text.h"
#include "document/json_member.h"
#include "kube/config/file.h"
#include "kube/paths.h"
#include "kube/status.h"
#include "log/log.h"

namespace imagebatch::cluster {
namespace {

using nlohmann::json;

constexpr std::chrono::minutes kEvery(1);
constexpr size_t kMostBytes = 1 << 20;

std::string NameOf(const RegistrySources::Secret& secret) {
  return "Secret " + secret.ns + "/" + secret.name;
}

}  // namespace

Result<void> RegistrySources::AddSecret(const std::string& text) {
  const size_t slash = text.find('/');
  if (slash == std::string::npos || slash == 0 || slash + 1 == text.size() ||
      text.find('/', slash + 1) != std::string::npos)
    return Fail(Quote(text) + " must be NAMESPACE/NAME of a Secret");
  secrets.push_back({text.substr(0, slash), text.substr(slash + 1)});
  return {};
}

Result<std::string> DockerConfigIn(const std::string& secret) {
  const json object = json::parse(secret, nullptr, /*allow_exceptions=*/false);
  const auto data = object.is_object() ? object.find("data") : object.end();
  const std::string encoded = object.is_object() && data != object.end() && data->is_object()
                                  ? document::StringMember(*data, ".dockerconfigjson")
                                  : "";
  if (encoded.empty())
    return Fail("has no key .dockerconfigjson; it must be of type kubernetes.io/dockerconfigjson");
  return DecodeBase64(encoded);
}

RegistryAccess::RegistryAccess(kube::ApiClient& client, RegistrySources sources,
                               std::function<void(registry::Access)> set)
    : client_(client), sources_(std::move(sources)), set_(std::move(set)), thread_([this] { Run(); }) {}

RegistryAccess::~RegistryAccess() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
    wake_.NotifyAll();
  }
  thread_.join();
}

void RegistryAccess::Run() {
  for (bool first = true;; first = false) {
    if (ReadAll() || first) set_(Make());
    const SteadyTime next = std::chrono::steady_clock::now() + kEvery;
    const MutexLock lock(mutex_);
    while (!stopping_ && wake_.WaitUntil(mutex_, next)) {
    }
    if (stopping_) return;
  }
}

/// True: something has changed.
bool RegistryAccess::ReadAll() {
  bool changed = false;
  for (const auto& file : sources_.files)
    changed = Keep("file " + file.string(), kube::ReadFile(file, kMostBytes)) || changed;
  for (const RegistrySources::Secret& secret : sources_.secrets)
    changed = Keep(NameOf(secret), Read(secret)) || changed;
  return changed;
}

bool RegistryAccess::Keep(const std::string& source, const Result<std::string>& text) {
  std::string problem = text ? std::string() : text.error().message;
  if (text) {
    registry::Credentials check;
    if (const auto added = check.Add(*text); !added) problem = added.error().message;
  }
  std::string& trouble = troubles_[source];
  if (!problem.empty() && trouble.empty())
    log::Warn("registry logins in " + source + " cannot be read: " + problem +
              "; it is read again every minute");
  if (problem.empty() && !trouble.empty()) log::Info("registry logins in " + source + " can be read again");
  trouble = problem;
  if (!problem.empty() || texts_[source] == *text) return false;
  texts_[source] = *text;
  return true;
}

registry::Access RegistryAccess::Make() const {
  registry::Access access;
  access.hosts = sources_.hosts;
  const auto add = [&](const std::string& source) {
    const auto at = texts_.find(source);
    if (at != texts_.end() && !at->second.empty()) static_cast<void>(access.credentials.Add(at->second));
  };
  for (const auto& file : sources_.files) add("file " + file.string());
  for (const RegistrySources::Secret& secret : sources_.secrets) add(NameOf(secret));
  return access;
}

Result<std::string> RegistryAccess::Read(const RegistrySources::Secret& secret) {
  kube::Request request;
  request.path = kube::ObjectPath({"v1", "secrets"}, secret.ns, secret.name);
  request.most_bytes = 2 * kMostBytes;
  const auto response = client_.Send(request);
  if (!response) return Fail(response.error().message);
  if (response->status != 200) return Fail(kube::Describe(kube::Refusal(*response)));
  return DockerConfigIn(response->body);
}

}  // namespace imagebatch::cluster
