#include "cluster/events.h"

#include <nlohmann/json.hpp>

#include "base/log.h"
#include "base/text.h"
#include "cluster/names.h"

namespace imagebatch::cluster {

void EventEmitter::Emit(std::string_view type, std::string_view reason, std::string_view message, Now now) {
  constexpr size_t kMessageLimit = 1024;  // the API server refuses longer ones
  const std::string text = Printable(message, kMessageLimit);
  const log::Subject subject{batch_.ns, batch_.name, {}, reason};
  if (type == "Warning") {
    log::Warn(text, subject);
  } else {
    log::Info(text, subject);
  }
  const std::string id =
      Sha256(batch_.uid + std::to_string(now.wall.time_since_epoch().count()) + std::to_string(++sent_));
  const std::string time = FormatTime(now.wall);
  kube::Request request;
  request.method = kube::Method::Post;
  request.path = EventsPath(batch_.ns);
  request.body = nlohmann::json{
      {"apiVersion", "v1"},
      {"kind", "Event"},
      {"metadata", {{"name", batch_.name + "." + id.substr(0, 16)}, {"namespace", batch_.ns}}},
      {"involvedObject",
       {{"apiVersion", kApiVersion},
        {"kind", "ImageBatch"},
        {"namespace", batch_.ns},
        {"name", batch_.name},
        {"uid", batch_.uid}}},
      {"type", type},
      {"reason", reason},
      {"message", text},
      {"source", {{"component", "imagebatch"}}},
      {"firstTimestamp", time},
      {"lastTimestamp", time},
      {"count", 1}}.dump();
  requests_.SendAndForget(std::move(request));
}

}  // namespace imagebatch::cluster
