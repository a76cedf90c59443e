#include "registry/url.h"

#include <algorithm>
#include <charconv>

namespace imagebatch::registry {
namespace {

constexpr size_t kLongest = 4096;
constexpr int kMostPort = 65535, kHttp = 80, kHttps = 443;

bool Visible(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return c > ' ' && c <= '~' && c != '\\' && c != '"' && c != '<' && c != '>' && c != '^' && c != '`' &&
           c != '{' && c != '|' && c != '}';
  });
}

bool IsHostName(std::string_view name) {
  const bool address = name.size() > 2 && name.front() == '[' && name.back() == ']';
  if (address) name = name.substr(1, name.size() - 2);
  return !name.empty() && name.size() <= 253 && std::all_of(name.begin(), name.end(), [address](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
           (address ? c == ':' : c == '-' || c == '_');
  });
}

/// host[:port] as it is compared.
std::optional<std::string> Normal(std::string_view authority, bool plain) {
  std::string host = LowerCase(authority);
  const size_t bracket = host.rfind(']');
  const size_t colon = host.find(':', bracket == std::string::npos ? 0 : bracket);
  if (colon != std::string::npos) {
    int port = 0;
    const char* const first = host.data() + colon + 1;
    const char* const last = host.data() + host.size();
    const auto [end, error] = std::from_chars(first, last, port);
    if (error != std::errc() || end != last || port < 1 || port > kMostPort) return std::nullopt;
    host.erase(colon);
    if (port != (plain ? kHttp : kHttps)) host += ":" + std::to_string(port);
  }
  const std::string name = host.substr(0, colon);
  return IsHostName(name) ? std::optional(host) : std::nullopt;
}

}  // namespace

std::string LowerCase(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

std::optional<Url> ParseUrl(std::string_view text) {
  if (text.size() > kLongest) return std::nullopt;
  text = text.substr(0, text.find('#'));
  const size_t colon = text.find("://");
  if (colon == std::string_view::npos || !Visible(text)) return std::nullopt;
  const std::string scheme = LowerCase(text.substr(0, colon));
  if (scheme != "http" && scheme != "https") return std::nullopt;
  text.remove_prefix(colon + 3);
  const size_t end = std::min(text.find_first_of("/?"), text.size());
  Url url;
  url.plain = scheme == "http";
  auto host = Normal(text.substr(0, end), url.plain);
  if (!host) return std::nullopt;
  url.host = std::move(*host);
  url.path = text.substr(end);
  if (!url.path.starts_with('/')) url.path.insert(0, "/");
  return url;
}

std::optional<Url> ResolveUrl(const Url& base, std::string_view reference) {
  if (reference.starts_with("//"))
    return ParseUrl((base.plain ? "http:" : "https:") + std::string(reference));
  if (reference.starts_with('/')) return ParseUrl(base.Server() + std::string(reference));
  return ParseUrl(reference);
}

std::string WithoutPort(std::string_view host) {
  if (host.starts_with('[')) return std::string(host.substr(1, host.find(']') - 1));
  return std::string(host.substr(0, host.find(':')));
}

}  // namespace imagebatch::registry
