#include "cli/cluster/follow.h"

#include <unistd.h>

#include <utility>

namespace imagebatch::cli {

Follow::Follow(Cluster& cluster, std::string collection, const std::string& name) {
  kube::Collection one{
      .path = std::move(collection), .label_selector = "", .field_selector = "metadata.name=" + name};
  reflector_ = std::make_unique<kube::Reflector>(cluster.client(), std::move(one), *this,
                                                 static_cast<uint64_t>(getpid()));
}

Follow::~Follow() { reflector_->Stop(); }

std::optional<Follow::News> Follow::Next(SteadyTime until) {
  const MutexLock lock(mutex_);
  while (!news_) {
    if (!came_.WaitUntil(mutex_, until)) break;
  }
  return std::exchange(news_, std::nullopt);
}

void Follow::OnListBegin() { listed_ = false; }

void Follow::OnObject(kube::Change change, std::string_view text) {
  listed_ = true;
  if (change == kube::Change::Deleted) return Tell({.gone = true, .object = {}, .trouble = {}});
  nlohmann::json object = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (object.is_object()) Tell({.gone = false, .object = std::move(object), .trouble = {}});
}

void Follow::OnListEnd(const std::string& /*resource_version*/) {
  if (!listed_) Tell({.gone = true, .object = {}, .trouble = {}});
}

void Follow::OnHealth(bool healthy, const std::string& detail) {
  if (!healthy)
    Tell({.gone = false,
          .object = {},
          .trouble = detail,
          .refused = detail.find(": 403 ") != std::string::npos});
}

void Follow::Tell(News news) {
  const MutexLock lock(mutex_);
  news_ = std::move(news);
  came_.NotifyAll();
}

}  // namespace imagebatch::cli
