#include <algorithm>
#include <unordered_set>

#include "cluster/job_object.h"
#include "cluster/names.h"
#include "cluster/results.h"

namespace imagebatch::cluster {
namespace {

using nlohmann::json;
using std::chrono::seconds;

constexpr const char* kKey = "results.jsonl";
constexpr size_t kShardLimit = 512 * 1024;
constexpr size_t kEnough = 20;    // lines that are worth a write at once
constexpr seconds kPatience{10};  // how long a line waits for others

/// Calls `each` for every line of a text.
template <class Each>
void Lines(std::string_view text, const Each& each) {
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (!line.empty()) each(line);
  }
}

std::string TextOf(const json& config_map) {
  return config_map.value(json::json_pointer("/data/results.jsonl"), std::string());
}

}  // namespace

ResultLog::ResultLog(const batch::Batch& batch, Requests& requests, const void* owner)
    : ns_(batch.ns),
      batch_name_(batch.name),
      batch_uid_(batch.uid),
      owner_reference_(OwnerReference(batch)),
      requests_(requests),
      owner_(owner) {}

std::string ResultLog::ShardName(int number) const {
  return batch_name_ + "-results-" + std::to_string(number);
}

std::vector<std::string> ResultLog::config_maps() const {
  std::vector<std::string> names;
  for (int number = 1; number <= shard_; ++number) names.push_back(ShardName(number));
  return names;
}

void ResultLog::Load(Now now) {
  if (loaded_ || loading_ || !backoff_.Due(now.steady)) return;
  loading_ = true;
  kube::Request request;
  request.path = ConfigMapsPath(ns_) + "?labelSelector=imagebatch.dev%2Fbatch-uid%3D" + batch_uid_ +
                 "%2C%21imagebatch.dev%2Fevidence";
  requests_.Send(owner_, std::move(request), [this](const Result<kube::Response>& response, Now replied) {
    loading_ = false;
    if (!Ok(response)) return backoff_.Failed(replied.steady);
    backoff_.Succeeded();
    Read(response->body, replied);
  });
}

void ResultLog::Read(const std::string& body, Now now) {
  const json list = json::parse(body, nullptr, false);
  if (!list.is_object() || !list.contains("items")) return backoff_.Failed(now.steady);
  for (const json& config_map : list["items"]) {
    if (!config_map["metadata"].value("name", "").starts_with(batch_name_ + "-results-")) continue;
    Lines(TextOf(config_map), [&](std::string_view line) {
      ++lines_;
      if (auto key = ParseResultLine(line)) loaded_keys_.push_back(std::move(*key));
    });
    AdoptShard(config_map);
  }
  loaded_ = true;
}

// The newest ConfigMap is the one that is written to.
void ResultLog::AdoptShard(const json& config_map) {
  const json& metadata = config_map["metadata"];
  const std::string name = metadata.value("name", "");
  const std::string prefix = batch_name_ + "-results-";
  if (!name.starts_with(prefix)) return;
  const int number = std::atoi(name.c_str() + prefix.size());
  if (number < std::max(shard_, 1)) return;
  shard_ = number;
  shard_text_ = TextOf(config_map);
  shard_version_ = metadata.value("resourceVersion", "");
}

void ResultLog::Add(std::string line, Now now) {
  waiting_.push_back({std::move(line), now.steady});
  ++lines_;
}

std::optional<SteadyTime> ResultLog::Next() const {
  if (!loaded_) return loading_ ? std::nullopt : std::optional(backoff_.next());
  if (waiting_.empty() || writing_) return std::nullopt;
  if (hurry_ || read_again_ || waiting_.size() >= kEnough) return backoff_.next();
  return std::max(backoff_.next(), waiting_.front().since + kPatience);
}

void ResultLog::Step(Now now) {
  if (!loaded_) return Load(now);
  const auto next = Next();
  if (!next || *next > now.steady) return;
  if (read_again_) {
    ReadShardAgain();
  } else {
    Write();
  }
}

void ResultLog::Write() {
  const bool full = shard_text_.size() + waiting_.front().line.size() + 1 > kShardLimit;
  if (shard_ == 0 || (full && !shard_version_.empty())) {
    ++shard_;
    shard_text_.clear();
    shard_version_.clear();
  }
  std::string text = shard_text_;
  in_flight_ = 0;
  for (const Waiting& waiting : waiting_) {
    if (in_flight_ > 0 && text.size() + waiting.line.size() + 1 > kShardLimit) break;
    text.append(waiting.line).append("\n");
    ++in_flight_;
  }
  json body = {{"data", {{kKey, text}}}};
  kube::Request request;
  if (shard_version_.empty()) {
    body["apiVersion"] = "v1";
    body["kind"] = "ConfigMap";
    body["metadata"] = {
        {"name", ShardName(shard_)},
        {"labels",
         {{std::string(kBatchUidLabel), batch_uid_}, {std::string(kBatchLabel), LabelValue(batch_name_)}}},
        {"ownerReferences", json::array({owner_reference_})}};
    request.method = kube::Method::Post;
    request.path = ConfigMapsPath(ns_);
  } else {
    body["metadata"] = {{"resourceVersion", shard_version_}};
    request.method = kube::Method::Patch;
    request.path = ConfigMapsPath(ns_) + "/" + ShardName(shard_);
    request.content_type = "application/merge-patch+json";
  }
  request.body = body.dump();
  writing_ = true;
  requests_.Send(owner_, std::move(request),
                 [this, text = std::move(text)](const Result<kube::Response>& response, Now now) {
                   writing_ = false;
                   if (Ok(response)) {
                     const json stored = json::parse(response->body, nullptr, false);
                     if (stored.is_object() && stored.contains("metadata")) {
                       shard_text_ = text;
                       shard_version_ = stored["metadata"].value("resourceVersion", "");
                       waiting_.erase(waiting_.begin(),
                                      waiting_.begin() + static_cast<std::ptrdiff_t>(in_flight_));
                       backoff_.Succeeded();
                       hurry_ = hurry_ && !waiting_.empty();
                       return;
                     }
                   }
                   Written(response, now);
                 });
}

// The write failed, or nobody knows: look before writing again.
void ResultLog::Written(const Result<kube::Response>& response, Now now) {
  read_again_ = true;
  if (!HasStatus(response, 409)) backoff_.Failed(now.steady);
}

void ResultLog::ReadShardAgain() {
  writing_ = true;
  kube::Request request;
  request.path = ConfigMapsPath(ns_) + "/" + ShardName(shard_);
  requests_.Send(owner_, std::move(request), [this](const Result<kube::Response>& response, Now now) {
    writing_ = false;
    if (HasStatus(response, 404)) {  // never written, or deleted by hand: what it held is written anew
      shard_version_.clear();
      read_again_ = false;
      return;
    }
    const json config_map = Ok(response) ? json::parse(response->body, nullptr, false) : json();
    if (!config_map.is_object() || !config_map.contains("metadata")) return backoff_.Failed(now.steady);
    // Of an earlier batch of this name: the garbage collector is about to remove it
    if (config_map.value(json::json_pointer("/metadata/labels/imagebatch.dev~1batch-uid"), "") !=
        batch_uid_) {
      return backoff_.Failed(now.steady);
    }
    read_again_ = false;
    backoff_.Succeeded();
    AdoptShard(config_map);
    DropStored();
  });
}

void ResultLog::DropStored() {
  std::unordered_set<std::string> stored;
  const auto identity = [](const ResultKey& key) { return key.build + "-" + std::to_string(key.attempt); };
  Lines(shard_text_, [&](std::string_view line) {
    if (const auto key = ParseResultLine(line)) stored.insert(identity(*key));
  });
  std::erase_if(waiting_, [&](const Waiting& waiting) {
    const auto key = ParseResultLine(waiting.line);
    return key && stored.contains(identity(*key));
  });
}

}  // namespace imagebatch::cluster
