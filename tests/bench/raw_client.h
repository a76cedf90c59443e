#pragma once
#include <string>
#include <vector>

#include "base/result.h"
#include "kube/config/config.h"

namespace imagebatch::bench {

/// The reference of the create rate: as little as can stand between a program and the API server. Threads
/// that each have one TLS connection, write a request, read its reply, and take the next body. POSTs every
/// body to `path` and returns the seconds it took, connecting not included.
Result<double> PostAll(const kube::TransportConfig& config, const std::string& path,
                       const std::vector<std::string>& bodies, int connections);

}  // namespace imagebatch::bench
