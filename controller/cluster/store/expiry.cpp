#include "cluster/store/expiry.h"

#include <nlohmann/json.hpp>

#include "cluster/objects/names.h"
#include "cluster/objects/reply.h"

namespace imagebatch::cluster {
namespace {

using nlohmann::json;

/// When the batch is to be deleted by what its object says; nothing: never.
std::optional<Time> DeleteTime(const json& object) {
  const json ttl = object.value(json::json_pointer("/spec/ttlSecondsAfterFinished"),
                                json(batch::Batch().ttl_seconds_after_finished));
  const json completion = object.value(json::json_pointer("/status/completionTime"), json());
  if (!ttl.is_number_integer() || ttl.get<int64_t>() < 0 || !completion.is_string()) return std::nullopt;
  const auto completed = ParseTime(completion.get<std::string>());
  return completed ? std::optional(*completed + std::chrono::seconds(ttl.get<int64_t>())) : std::nullopt;
}

}  // namespace

void Expiry::Step(std::optional<Time> at, Now now) {
  if (!at || now.wall < *at || asking_ || !backoff_.Due(now.steady)) return;
  asking_ = true;
  channel_.Get({Purpose::ReadBatch, ""}, BatchPath(batch_.ns, batch_.name),
               [this](const Result<kube::Response>& response, Now replied) {
                 asking_ = false;
                 const json object = Ok(response) ? json::parse(response->body, nullptr, false) : json();
                 const auto fresh = object.is_object() ? DeleteTime(object) : std::nullopt;
                 if (!fresh || *fresh > replied.wall ||
                     object.value(json::json_pointer("/metadata/uid"), "") != batch_.uid)
                   return backoff_.Failed(replied.steady);  // the watch is about to say why
                 Delete(object.value(json::json_pointer("/metadata/resourceVersion"), ""), replied);
               });
}

void Expiry::Delete(const std::string& version, Now now) {
  if (!std::exchange(told_, true)) events_.Normal("Deleted", "ttlSecondsAfterFinished has passed", now);
  asking_ = true;
  const json options = {{"propagationPolicy", "Background"},
                        {"preconditions", {{"uid", batch_.uid}, {"resourceVersion", version}}}};
  channel_.Delete({Purpose::DeleteBatch, ""}, BatchPath(batch_.ns, batch_.name), options,
                  [this](const Result<kube::Response>& response, Now replied) {
                    // Done: the watch is about to say so
                    if (Ok(response) || HasStatus(response, 404)) return;
                    asking_ = false;
                    backoff_.Failed(replied.steady);
                  });
}

std::optional<SteadyTime> Expiry::Next(std::optional<Time> at, Now now) const {
  if (!at || asking_) return std::nullopt;
  const SteadyTime due = now.steady + std::max(*at - now.wall, Duration(0));
  return std::max(due, backoff_.next());
}

}  // namespace imagebatch::cluster
