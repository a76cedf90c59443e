#pragma once
#include <string>

#include "base/result.h"
#include "kube/transport.h"

/// What the reply to a request says.
namespace imagebatch::cluster {

/// Success by the status code.
inline bool Ok(const Result<kube::Response>& response) { return response && response->status / 100 == 2; }
inline bool HasStatus(const Result<kube::Response>& response, int status) {
  return response && response->status == status;
}

/// A refusal because the namespace is being deleted or is gone.
bool NamespaceIsEnding(const Result<kube::Response>& response);

/// A refusal because the kind of object is not known: its CustomResourceDefinition is missing.
bool IsUnknownKind(const Result<kube::Response>& response);

/// The reason in the API server's answer to a request that failed, one word (AlreadyExists, Conflict); empty
/// where there is none.
std::string ErrorReason(const Result<kube::Response>& response);

/// The reason a request failed, for people: the API server's own message where it gave one; printable,
/// bounded.
std::string ErrorMessage(const Result<kube::Response>& response);

}  // namespace imagebatch::cluster
