#include "cluster/pods/pod_events.h"

#include <string>

#include "base/text.h"
#include "cluster/objects/names.h"
#include "log/log.h"

namespace imagebatch::cluster {
namespace {

constexpr size_t kNameLimit = 230;  // of the Pod's in the Event's, which has 253

std::string EventName(const PodView& pod, std::string_view reason, std::string_view what) {
  std::string name = pod.name.substr(0, kNameLimit);
  while (!name.empty() && (name.back() == '.' || name.back() == '-')) name.pop_back();
  const std::string told = Sha256(std::string(pod.uid).append("/").append(reason).append("/").append(what));
  return name + "." + told.substr(0, 16);
}

}  // namespace

void PodEvents::Tell(std::string_view type, std::string_view reason, const PodView& pod,
                     std::string_view what, std::string_view message, Now now) {
  const std::string line = "Pod " + pod.name + ": " + Printable(message, EventOutbox::kMessageBytes);
  if (type == "Warning") {
    log::Warn(line, {pod.ns, {}, {}, reason});
  } else {
    log::Info(line, {pod.ns, {}, {}, reason});
  }
  outbox_.Write({EventName(pod, reason, what), "v1", "Pod", pod.ns, pod.name, pod.uid, type, reason, message},
                now);
}

}  // namespace imagebatch::cluster
