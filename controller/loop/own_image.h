#pragma once
#include <chrono>
#include <functional>
#include <string>

#include "base/result.h"
#include "kube/client.h"

namespace imagebatch::cluster {

/// The image of the controller's container in the Pod that `pod` is the JSON of: the container called
/// "controller", or the only one. As it stands in the spec, that is with what admission made of it, such as a
/// mirror's name.
Result<std::string> ImageOfPod(const std::string& pod);

/// Reads this controller's own Pod until it has been told its image, and waits between the tries: 1 s,
/// doubled, at most 15 s. `sleep` returns false where the wait is to end for good; then the result is empty.
/// The first failure is logged, and when it works again. What went wrong last is kept in `trouble`.
std::string ReadOwnImage(kube::ApiClient& client, const std::string& ns, const std::string& pod,
                         const std::function<bool(std::chrono::seconds)>& sleep,
                         const std::function<void(const std::string&)>& trouble);

}  // namespace imagebatch::cluster
