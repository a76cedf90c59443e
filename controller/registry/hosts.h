#pragma once
#include <map>
#include <string>
#include <string_view>

#include "base/result.h"

namespace imagebatch::registry {

/// Which servers may be asked. A batch names any registry it likes, and a registry any token server: neither
/// makes the controller speak to a host that its administrator has not named.
class Hosts {
 public:
  /// host[:port], or with https:// before it, or with http:// to be asked in plain HTTP. A link-local address
  /// and a cloud's metadata server are refused, in whatever notation.
  Result<void> Add(std::string_view entry);

  bool Has(const std::string& host) const { return listed_.contains(host); }
  /// It is to be asked in plain HTTP.
  bool Plain(const std::string& host) const;

 private:
  std::map<std::string, bool> listed_;  // plain, by host[:port]
};

/// A link-local address, in any notation that the C library reads as one, or the name of a cloud's metadata
/// server. `host`: with or without a port.
bool IsForbidden(std::string_view host);

}  // namespace imagebatch::registry
