#include "cluster/store/result_log.h"

#include <algorithm>
#include <charconv>
#include <unordered_set>

#include "cluster/objects/job_object.h"
#include "cluster/objects/json_fields.h"
#include "cluster/objects/names.h"
#include "cluster/objects/reply.h"
#include "cluster/store/status_object.h"
#include "log/log.h"

namespace imagebatch::cluster {
namespace {

using nlohmann::json;
using std::chrono::seconds;

constexpr size_t kShardLimit = size_t{64} * 1024;
constexpr size_t kEnough = 20;    // lines that are worth a write at once
constexpr seconds kPatience{10};  // how long a line waits for others
/// Among so many failed attempts there are enough failed builds for the status, whatever the limits are.
constexpr size_t kExplained = kListed * 10;

/// A batch of 100,000 builds with 8 attempts each has no more; whoever may write a status may write a number.
constexpr int kMost = 50'000;

/// Calls `each` for every line of a text.
template <class Each>
void Lines(std::string_view text, const Each& each) {
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (!line.empty()) each(line);
  }
}

int64_t CountLines(std::string_view text) {
  int64_t count = 0;
  Lines(text, [&](std::string_view) { ++count; });
  return count;
}

}  // namespace

std::optional<StoredResults> ParseStoredResults(std::string_view config_map) {
  StoredResults stored;
  const bool whole = WithRoot(config_map, [&](sj::value root) {
    Fields(root, [&](std::string_view part, sj::value value) {
      if (part == "metadata") {
        Fields(value, [&](std::string_view key, sj::value inner) {
          if (key == "resourceVersion") stored.version = Text(inner);
          if (key != "labels") return;
          Fields(inner, [&](std::string_view label, sj::value text) {
            if (label == kBatchUidLabel) stored.batch_uid = Text(text);
          });
        });
      }
      if (part == "data") {
        Fields(value, [&](std::string_view key, sj::value inner) {
          std::string_view text;
          if (key == kResultsKey && !inner.get_string().get(text)) stored.text = text;
        });
      }
    });
  });
  if (!whole || stored.version.empty()) return std::nullopt;
  return stored;
}

ResultLog::ResultLog(const batch::Batch& batch, Channel& channel)
    : ns_(batch.ns),
      batch_name_(batch.name),
      batch_uid_(batch.uid),
      owner_reference_(OwnerReference(batch)),
      channel_(channel) {}

std::string ResultLog::ShardName(int number) const {
  return batch_name_ + "-results-" + std::to_string(number);
}

std::vector<std::string> ResultLog::config_maps() const {
  std::vector<std::string> names;
  auto at = stored_.begin();
  if (stored_.size() > kNamed) std::advance(at, stored_.size() - kNamed);
  for (; at != stored_.end(); ++at) names.push_back(ShardName(*at));
  return names;
}

void ResultLog::Expect(const std::vector<std::string>& config_maps) {
  const std::string prefix = batch_name_ + "-results-";
  for (const std::string& name : config_maps) {
    int number = 0;
    if (name.starts_with(prefix))
      std::from_chars(name.data() + prefix.size(), name.data() + name.size(), number);
    expected_ = std::max(expected_, std::min(number, kMost));
  }
}

void ResultLog::Forget() {
  if (!stored_.empty()) expected_ = std::max(expected_, *stored_.rbegin());
  loaded_ = false;
  next_ = 1;
  shard_ = 0;
  shard_text_ = shard_version_ = std::string();
  explained_.clear();
  loaded_keys_ = {};
  stored_.clear();
  lines_ = 0;
}

void ResultLog::Load(Now now) {
  if (loading_ || !backoff_.Due(now.steady)) return;
  loading_ = true;
  channel_.Get({Purpose::LoadResults, ""}, ConfigMapsPath(ns_) + "/" + ShardName(next_),
               [this](const Result<kube::Response>& response, Now replied) {
                 loading_ = false;
                 Loaded(response, replied);
               });
}

void ResultLog::Loaded(const Result<kube::Response>& response, Now now) {
  const bool absent = HasStatus(response, 404);
  auto shard = Ok(response) ? ParseStoredResults(response->body) : std::nullopt;
  if (!absent && !shard) return backoff_.Failed(now.steady);
  backoff_.Succeeded();
  loaded_ = absent && next_ > expected_;
  if (loaded_) return explained_.clear();
  const int number = next_++;
  if (absent || !IsOurs(*shard)) return;  // deleted by hand; or it belongs to somebody else
  Lines(shard->text, [&](std::string_view line) { TakeLine(line); });
  shard_ = number;
  AdoptShard(std::move(*shard));
}

void ResultLog::TakeLine(std::string_view line) {
  ++lines_;
  auto key = ParseResultLine(line);
  if (!key) return;
  loaded_keys_.push_back(std::move(*key));
  if (loaded_keys_.back().succeeded) return;
  explained_.push_back(&loaded_keys_.back());  // stays where it is: the deque only grows
  if (explained_.size() <= kExplained) return;
  explained_.front()->reason = explained_.front()->message = std::string();
  explained_.pop_front();
}

/// Takes it for what stands in the ConfigMap that is written to.
void ResultLog::AdoptShard(StoredResults shard) {
  stored_.insert(shard_);
  shard_text_ = std::move(shard.text);
  shard_version_ = std::move(shard.version);
}

uint64_t ResultLog::Add(std::string line, Now now) {
  waiting_.push_back({std::move(line), now.steady, ++last_number_});
  return last_number_;
}

bool ResultLog::Stored(uint64_t number) const {
  return !std::binary_search(waiting_.begin(), waiting_.end(), Waiting{{}, {}, number},
                             [](const Waiting& a, const Waiting& b) { return a.number < b.number; });
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
  json body = {{"data", {{kResultsKey, text}}}};
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
  channel_.Send({Purpose::WriteResults, ""}, std::move(request),
                [this, text = std::move(text)](const Result<kube::Response>& response, Now now) {
                  writing_ = false;
                  auto shard = Ok(response) ? ParseStoredResults(response->body) : std::nullopt;
                  if (!shard) return Written(response, now);
                  lines_ += CountLines(text) - (stored_.contains(shard_) ? CountLines(shard_text_) : 0);
                  AdoptShard({batch_uid_, std::move(shard->version), text});
                  waiting_.erase(waiting_.begin(),
                                 waiting_.begin() + static_cast<std::ptrdiff_t>(in_flight_));
                  backoff_.Succeeded();
                  hurry_ = hurry_ && !waiting_.empty();
                });
}

// The write failed, or nobody knows: look before writing again.
void ResultLog::Written(const Result<kube::Response>& response, Now now) {
  read_again_ = true;
  if (!HasStatus(response, 409)) backoff_.Failed(now.steady);
}

void ResultLog::ReadShardAgain() {
  writing_ = true;
  channel_.Get(
      {Purpose::WriteResults, ""}, ConfigMapsPath(ns_) + "/" + ShardName(shard_),
      [this](const Result<kube::Response>& response, Now now) {
        writing_ = false;
        if (HasStatus(response, 404)) {  // never written, or deleted by hand: what it held is written anew
          shard_version_.clear();
          read_again_ = false;
          if (stored_.erase(shard_) > 0) lines_ -= CountLines(shard_text_);
          return;
        }
        auto shard = Ok(response) ? ParseStoredResults(response->body) : std::nullopt;
        if (!shard) return backoff_.Failed(now.steady);
        read_again_ = false;
        if (!IsOurs(*shard)) return PassOver();  // left alone, and so is its name: it may stay for ever
        backoff_.Succeeded();
        lines_ += CountLines(shard->text) - (stored_.contains(shard_) ? CountLines(shard_text_) : 0);
        AdoptShard(std::move(*shard));
        DropStored();
      });
}

// The name belongs to somebody else: a batch of this name that has left its results behind, perhaps.
void ResultLog::PassOver() {
  log::Warn("ConfigMap " + ShardName(shard_) + " is not of this batch; its results go into " +
                ShardName(shard_ + 1),
            {ns_, batch_name_, {}, "ResultsElsewhere"});
  if (stored_.erase(shard_) > 0) lines_ -= CountLines(shard_text_);  // what it held is written anew
  ++shard_;
  shard_version_.clear();
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
