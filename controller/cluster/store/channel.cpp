#include "cluster/store/channel.h"

namespace imagebatch::cluster {

void Channel::Get(Errand errand, std::string path, Handler handler) {
  kube::Request request;
  request.path = std::move(path);
  Send(std::move(errand), std::move(request), std::move(handler));
}

void Channel::Create(Errand errand, std::string path, std::string object, Handler handler) {
  kube::Request request;
  request.method = kube::Method::Post;
  request.path = std::move(path);
  request.body = std::move(object);
  Send(std::move(errand), std::move(request), std::move(handler));
}

void Channel::MergePatch(Errand errand, std::string path, std::string change, Handler handler) {
  kube::Request request;
  request.method = kube::Method::Patch;
  request.path = std::move(path);
  request.content_type = "application/merge-patch+json";
  request.body = std::move(change);
  Send(std::move(errand), std::move(request), std::move(handler));
}

void Channel::Delete(Errand errand, std::string path, const nlohmann::json& options, Handler handler) {
  kube::Request request;
  request.method = kube::Method::Delete;
  request.path = std::move(path);
  if (!options.empty()) {
    nlohmann::json body = {{"apiVersion", "v1"}, {"kind", "DeleteOptions"}};
    body.update(options);
    request.body = body.dump();
  }
  Send(std::move(errand), std::move(request), std::move(handler));
}

}  // namespace imagebatch::cluster
