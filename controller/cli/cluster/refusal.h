#pragma once
#include <string>

#include "kube/status.h"
#include "kube/transport.h"

namespace imagebatch::cli {

/// Which cluster is talked to, for messages.
struct ClusterPlace {
  std::string server;   // https://host:port
  std::string context;  // where the kubeconfig says so: `/home/x/.kube/config: context "main"`
  bool plugin = false;  // a plugin gives the credentials
};

/// Why a request was refused and what to do about it, on one bounded line: who may not do what with which
/// resource, credentials that are not accepted, a cluster that does not know the kind, and else the API
/// server's own words.
std::string TellRefusal(const kube::Request& request, const kube::Response& response,
                        const ClusterPlace& place);

/// Why there was no answer: `error` is the transport's.
std::string TellNoAnswer(const std::string& error, const ClusterPlace& place);

/// Whether a 404 says that there is no object of this name, and not that the kind or the path is unknown.
bool IsMissingObject(const kube::Response& response);

}  // namespace imagebatch::cli
