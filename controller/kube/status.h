#pragma once
#include <optional>
#include <string>

#include "kube/transport.h"

namespace imagebatch::kube {

/// The API server's reason for refusing something: a metav1.Status.
struct Status {
  int code = 0;         // as of HTTP
  std::string reason;   // AlreadyExists, Conflict, Expired, ...; may be empty
  std::string message;  // for a person; untrusted
};

/// Reads a Status object; nothing where the text is something else.
std::optional<Status> ReadStatus(std::string_view json);

/// The refusal in `response`, whatever its body is: the code of HTTP stands in for what is missing.
Status Refusal(const Response& response);

/// One bounded line such as `409 AlreadyExists: jobs.batch "x" already exists`.
std::string Describe(const Status& status);

}  // namespace imagebatch::kube
