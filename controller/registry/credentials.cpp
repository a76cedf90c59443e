#include "registry/credentials.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "base/text.h"
#include "registry/url.h"

namespace imagebatch::registry {
namespace {

using nlohmann::json;

constexpr size_t kMostBytes = 1 << 20;
constexpr size_t kMostLevels = 32;

/// path.Match of Go, without its ranges.
bool GlobMatches(std::string_view glob, std::string_view text) {
  size_t at = 0, from = 0, star = std::string_view::npos, resume = 0;
  while (at < text.size()) {
    if (from < glob.size() && (glob[from] == '?' || glob[from] == text[at]) && glob[from] != '*') {
      ++from;
      ++at;
    } else if (from < glob.size() && glob[from] == '*') {
      star = from++;
      resume = at;
    } else if (star != std::string_view::npos) {
      from = star + 1;
      at = ++resume;
    } else {
      return false;
    }
  }
  while (from < glob.size() && glob[from] == '*') ++from;
  return from == glob.size();
}

std::pair<std::string_view, std::string_view> SplitPort(std::string_view host) {
  const size_t bracket = host.rfind(']');
  const size_t colon = host.find(':', bracket == std::string_view::npos ? 0 : bracket);
  if (colon == std::string_view::npos) return {host, ""};
  return {host.substr(0, colon), host.substr(colon + 1)};
}

/// A glob stands for characters of one label of the name, as in the kubelet.
bool HostMatches(std::string_view glob, std::string_view host) {
  auto [glob_name, glob_port] = SplitPort(glob);
  auto [name, port] = SplitPort(host);
  if (glob_port != port) return false;
  while (true) {
    const size_t glob_dot = glob_name.find('.'), dot = name.find('.');
    if (!GlobMatches(glob_name.substr(0, glob_dot), name.substr(0, dot))) return false;
    const bool last = dot == std::string_view::npos;
    if ((glob_dot == std::string_view::npos) != last) return false;
    if (last) return true;
    glob_name.remove_prefix(glob_dot + 1);
    name.remove_prefix(dot + 1);
  }
}

std::string Member(const json& object, const char* name) {
  const auto at = object.find(name);
  return at != object.end() && at->is_string() ? at->get<std::string>() : std::string();
}

Result<Login> LoginOf(const json& entry) {
  if (!entry.is_object()) return Fail("is no object");
  Login login{Member(entry, "username"), Member(entry, "password")};
  if (const std::string both = Member(entry, "auth"); !both.empty()) {
    const auto text = DecodeBase64(both);
    const size_t colon = text ? text->find(':') : std::string::npos;
    if (colon == std::string::npos) return Fail("auth must be USER:PASSWORD in base64");
    login = {text->substr(0, colon), text->substr(colon + 1)};
    while (login.password.ends_with('\0')) login.password.pop_back();  // as Docker's own client does
  }
  if (login.user.empty()) return Fail("has no user and password, the only kind of login that is supported");
  return login;
}

}  // namespace

Result<void> Credentials::Add(std::string_view config) {
  if (config.size() > kMostBytes) return Fail("is larger than 1 MiB");
  if (NestedDeeper(config, kMostLevels)) return Fail("is nested too deeply");
  const json file = json::parse(config, nullptr, /*allow_exceptions=*/false);
  if (!file.is_object()) return Fail("is no JSON object");
  const auto auths = file.find("auths");
  if (auths == file.end() || !auths->is_object()) return Fail("has no object \"auths\"");
  for (const auto& [key, value] : auths->items()) {
    auto login = LoginOf(value);
    if (!login) return Fail("auths[" + Quote(key) + "] " + login.error().message);
    std::string_view place = key;
    for (const std::string_view scheme : {"https://", "http://"}) {
      if (place.starts_with(scheme)) place.remove_prefix(scheme.size());
    }
    const size_t slash = std::min(place.find('/'), place.size());
    std::string_view path = place.substr(slash);
    if (path.starts_with("/v1/") || path.starts_with("/v2/")) path.remove_prefix(3);
    if (path.starts_with('/')) path.remove_prefix(1);
    std::string host = LowerCase(place.substr(0, slash));
    if (host.ends_with(":443")) host.resize(host.size() - 4);
    if (host == "index.docker.io" || host == "registry-1.docker.io") host = "docker.io";
    if (host.empty()) return Fail("auths[" + Quote(key) + "] names no registry");
    entries_.push_back({std::move(host), std::string(path), std::move(*login)});
  }
  std::stable_sort(entries_.begin(), entries_.end(), [](const Entry& a, const Entry& b) {
    if (a.path.size() != b.path.size()) return a.path.size() > b.path.size();
    return a.host.find('*') == std::string::npos && b.host.find('*') != std::string::npos;
  });
  return {};
}

std::optional<Login> Credentials::Find(const std::string& registry, const std::string& repository) const {
  for (const Entry& entry : entries_) {
    if (repository.starts_with(entry.path) && HostMatches(entry.host, registry)) return entry.login;
  }
  return std::nullopt;
}

bool Credentials::Know(const std::string& registry) const {
  return std::any_of(entries_.begin(), entries_.end(),
                     [&](const Entry& entry) { return HostMatches(entry.host, registry); });
}

}  // namespace imagebatch::registry
