#pragma once
#include <cstddef>
#include <memory>
#include <string>

#include "base/result.h"

namespace imagebatch::kube {

/// Where `host` is: the family (AF_INET, AF_INET6) of the address that a connection tries first. An error
/// where the name is unknown, or where one of its addresses is link-local: there a cloud's metadata server
/// answers, with the machine's own credentials. Asks the resolver, which may take seconds.
Result<int> FamilyOf(const std::string& host);

/// How much a connection has brought, whoever reads it: the kernel's own count. It tells of a reply that is
/// still being read by a library which sets no bound.
class ReceivedBytes {
 public:
  /// Keeps a duplicate of the socket until it goes.
  explicit ReceivedBytes(int socket);
  ~ReceivedBytes();
  ReceivedBytes(const ReceivedBytes&) = delete;
  ReceivedBytes& operator=(const ReceivedBytes&) = delete;

  /// 0 where the kernel does not say.
  size_t Count() const;

 private:
  int socket_;
};

}  // namespace imagebatch::kube
