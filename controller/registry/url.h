#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace imagebatch::registry {

/// ASCII letters in lower case.
std::string LowerCase(std::string_view text);

/// An absolute URL of the two schemes that registries have.
struct Url {
  bool plain = false;  // http, not https
  std::string host;    // host[:port], in lower case, without the scheme's own port
  std::string path;    // with the query, beginning with '/'; printable ASCII without spaces

  std::string Server() const { return (plain ? "http://" : "https://") + host; }
  bool SameServer(const Url& other) const { return plain == other.plain && host == other.host; }
};

/// Nothing for anything else: another scheme, user information, an odd port, characters that a URL has not.
/// What follows a '#' is left out.
std::optional<Url> ParseUrl(std::string_view text);

/// What `reference`, the value of a header Location, means in an answer to `base` (RFC 3986, without "..").
std::optional<Url> ResolveUrl(const Url& base, std::string_view reference);

/// `host` without its port and the brackets of an IPv6 address.
std::string WithoutPort(std::string_view host);

}  // namespace imagebatch::registry
