#include "registry/hosts.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "registry/url.h"

namespace imagebatch::registry {
namespace {

/// Beside the link-local ones: Alibaba's, Oracle's.
constexpr std::array<uint32_t, 2> kMetadata = {0x646464c8, 0xc00000c0};
constexpr std::array<std::string_view, 5> kMetadataNames = {
    "metadata", "metadata.google.internal", "metadata.goog", "instance-data", "instance-data.ec2.internal"};
constexpr uint32_t kLinkLocal = 0xa9fe;  // 169.254

bool IsForbidden(uint32_t address) {
  return address >> 16 == kLinkLocal ||
         std::find(kMetadata.begin(), kMetadata.end(), address) != kMetadata.end();
}

bool IsForbidden(const in6_addr& address) {
  const unsigned char* bytes = address.s6_addr;
  if (IN6_IS_ADDR_LINKLOCAL(&address)) return true;
  if (bytes[0] == 0xfd && bytes[1] == 0 && bytes[2] == 0x0e && bytes[3] == 0xc2) return true;  // AWS
  const bool carries = IN6_IS_ADDR_V4MAPPED(&address) || IN6_IS_ADDR_V4COMPAT(&address) ||
                       (bytes[0] == 0 && bytes[1] == 0x64 && bytes[2] == 0xff && bytes[3] == 0x9b);  // NAT64
  if (!carries) return false;
  return IsForbidden(static_cast<uint32_t>(bytes[12]) << 24 | static_cast<uint32_t>(bytes[13]) << 16 |
                     static_cast<uint32_t>(bytes[14]) << 8 | bytes[15]);
}

}  // namespace

bool IsForbidden(std::string_view host) {
  std::string name = LowerCase(WithoutPort(host));
  while (name.ends_with('.')) name.pop_back();
  if (std::find(kMetadataNames.begin(), kMetadataNames.end(), name) != kMetadataNames.end()) return true;
  in_addr v4{};
  if (inet_aton(name.c_str(), &v4) != 0) return IsForbidden(ntohl(v4.s_addr));  // 0xa9fea9fe is one too
  in6_addr v6{};
  return inet_pton(AF_INET6, name.c_str(), &v6) == 1 && IsForbidden(v6);
}

Result<void> Hosts::Add(std::string_view entry) {
  const bool scheme = entry.find("://") != std::string_view::npos;
  const auto url = ParseUrl((scheme ? "" : "https://") + std::string(entry));
  if (!url || url->path != "/")
    return Fail("registry " + Quote(entry) + " must be host[:port], with http:// before it for plain HTTP");
  if (IsForbidden(url->host))
    return Fail("registry " + Quote(entry) + " is link-local, or a cloud's metadata server");
  listed_[url->host] = url->plain;
  return {};
}

bool Hosts::Plain(const std::string& host) const {
  const auto at = listed_.find(host);
  return at != listed_.end() && at->second;
}

}  // namespace imagebatch::registry
