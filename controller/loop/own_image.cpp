#include "loop/own_image.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "document/json_member.h"
#include "kube/paths.h"
#include "kube/status.h"
#include "log/log.h"

namespace imagebatch::cluster {
namespace {

using nlohmann::json;
using std::chrono::seconds;

constexpr seconds kLongestWait(15);

Result<std::string> Read(kube::ApiClient& client, const std::string& ns, const std::string& pod) {
  kube::Request request;
  request.path = kube::ObjectPath({"v1", "pods"}, ns, pod);
  const auto response = client.Send(request);
  if (!response) return Fail(response.error().message);
  if (response->status != 200) return Fail(kube::Describe(kube::Refusal(*response)));
  return ImageOfPod(response->body);
}

}  // namespace

Result<std::string> ImageOfPod(const std::string& pod) {
  const json object = json::parse(pod, nullptr, false);
  const auto pointer = json::json_pointer("/spec/containers");
  if (!object.is_object() || !object.contains(pointer) || !object[pointer].is_array())
    return Fail("the API server's answer is no Pod");
  const json& containers = object[pointer];
  const auto named = std::find_if(containers.begin(), containers.end(), [](const json& container) {
    return container.is_object() && document::StringMember(container, "name") == "controller";
  });
  if (named == containers.end() && containers.size() != 1)
    return Fail("none of the Pod's containers is called controller");
  const json& container = named == containers.end() ? containers[0] : *named;
  std::string image = container.is_object() ? document::StringMember(container, "image") : "";
  if (image.empty()) return Fail("the Pod's container has no image");
  return image;
}

std::string ReadOwnImage(kube::ApiClient& client, const std::string& ns, const std::string& pod,
                         const std::function<bool(seconds)>& sleep,
                         const std::function<void(const std::string&)>& trouble) {
  seconds wait(1);
  for (bool failed = false;; failed = true) {
    const auto image = Read(client, ns, pod);
    if (image) {
      log::Info("the runner comes from this Pod's own image, " + *image);
      return *image;
    }
    const std::string what =
        "Pod " + ns + "/" + pod + ", whose image holds the runner, cannot be read: " + image.error().message;
    if (!failed) log::Warn(what + "; no batch is processed until it can, or until --runner-image is given");
    trouble(what);
    if (!sleep(wait)) return "";
    wait = std::min(wait * 2, kLongestWait);
  }
}

}  // namespace imagebatch::cluster
