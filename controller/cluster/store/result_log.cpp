#include "cluster/store/result_log.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "cluster/objects/names.h"
#include "cluster/objects/reply.h"
#include "cluster/store/status_object.h"
#include "log/log.h"

namespace imagebatch::cluster {
namespace {

using nlohmann::json;
using std::chrono::seconds;

constexpr size_t kRecordLimit = size_t{64} * 1024;  // bytes of its lines
constexpr size_t kEnough = 20;                      // lines that are worth a write at once
constexpr seconds kPatience{10};                    // how long a line waits for others
/// Among so many failed attempts there are enough failed builds for the status, whatever the limits are.
constexpr size_t kExplained = kListed * 10;

/// A batch of 100,000 builds with 8 attempts each has no more; whoever may write a status may write a number.
constexpr int kMost = 50'000;

size_t SizeOf(const std::string& line) { return line.size() + 1; }

size_t SizeOf(const std::vector<std::string>& lines) {
  size_t size = 0;
  for (const std::string& line : lines) size += SizeOf(line);
  return size;
}

int64_t Count(const std::vector<std::string>& lines) { return static_cast<int64_t>(lines.size()); }

}  // namespace

ResultLog::ResultLog(const batch::Batch& batch, Channel& channel) : batch_(batch), channel_(channel) {}

std::string ResultLog::RecordName(int number) const {
  return batch_.name + "-results-" + std::to_string(number);
}

std::vector<std::string> ResultLog::records() const {
  std::vector<std::string> names;
  auto at = stored_.begin();
  if (stored_.size() > kNamed) std::advance(at, stored_.size() - kNamed);
  for (; at != stored_.end(); ++at) names.push_back(RecordName(*at));
  return names;
}

void ResultLog::Expect(const std::vector<std::string>& records) {
  const std::string prefix = batch_.name + "-results-";
  for (const std::string& name : records) {
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
  record_ = 0;
  held_ = {};
  version_ = std::string();
  explained_.clear();
  loaded_keys_ = {};
  stored_.clear();
  lines_ = 0;
}

void ResultLog::Load(Now now) {
  if (loading_ || !backoff_.Due(now.steady)) return;
  loading_ = true;
  channel_.Get({Purpose::LoadResults, ""}, RecordsPath(batch_.ns) + "/" + RecordName(next_),
               [this](const Result<kube::Response>& response, Now replied) {
                 loading_ = false;
                 Loaded(response, replied);
               });
}

void ResultLog::Loaded(const Result<kube::Response>& response, Now now) {
  const bool absent = HasStatus(response, 404);
  auto record = Ok(response) ? ParseStoredResults(response->body) : std::nullopt;
  if (!absent && !record) return backoff_.Failed(now.steady);
  backoff_.Succeeded();
  loaded_ = absent && next_ > expected_;
  if (loaded_) return explained_.clear();
  const int number = next_++;
  if (absent || !IsOurs(*record)) return;  // deleted by hand; or it belongs to somebody else
  for (const std::string& line : record->lines) TakeLine(line);
  record_ = number;
  Adopt(std::move(*record));
}

void ResultLog::TakeLine(std::string_view line) {
  auto key = ParseResultLine(line);
  if (!key) return;
  loaded_keys_.push_back(std::move(*key));
  if (loaded_keys_.back().succeeded || loaded_keys_.back().skipped) return;
  explained_.push_back(&loaded_keys_.back());  // stays where it is: the deque only grows
  if (explained_.size() <= kExplained) return;
  explained_.front()->reason = explained_.front()->message = std::string();
  explained_.pop_front();
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
    ReadAgain();
  } else {
    Write();
  }
}

void ResultLog::Write() {
  const bool full = SizeOf(held_) + SizeOf(waiting_.front().line) > kRecordLimit;
  if (record_ == 0 || (full && !version_.empty())) {
    ++record_;
    held_.clear();
    version_.clear();
  }
  size_t size = SizeOf(held_);
  std::vector<std::string> lines;
  for (const Waiting& waiting : waiting_) {
    size += SizeOf(waiting.line);
    if (!lines.empty() && size > kRecordLimit) break;
    lines.push_back(waiting.line);
  }
  in_flight_ = lines.size();
  kube::Request request;
  if (version_.empty()) {
    json record = RecordObject(OwnerOf(batch_), RecordType::Results, RecordName(record_));
    // What it held before somebody deleted it comes first
    for (const auto* some : {&held_, &lines}) {
      for (const std::string& line : *some) record["results"].push_back(json::parse(line));
    }
    request.method = kube::Method::Post;
    request.path = RecordsPath(batch_.ns);
    request.body = record.dump();
  } else {
    request.method = kube::Method::Patch;
    request.path = RecordsPath(batch_.ns) + "/" + RecordName(record_);
    request.content_type = "application/json-patch+json";
    request.body = AppendPatch(version_, lines);
  }
  writing_ = true;
  channel_.Send({Purpose::WriteResults, ""}, std::move(request),
                [this](const Result<kube::Response>& response, Now now) {
                  writing_ = false;
                  auto record = Ok(response) ? ParseStoredResults(response->body) : std::nullopt;
                  if (!record) return Written(response, now);
                  Adopt(std::move(*record));
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

void ResultLog::ReadAgain() {
  writing_ = true;
  channel_.Get({Purpose::WriteResults, ""}, RecordsPath(batch_.ns) + "/" + RecordName(record_),
               [this](const Result<kube::Response>& response, Now now) {
                 writing_ = false;
                 if (HasStatus(response, 404)) {  // never written, or deleted by hand
                   read_again_ = false;
                   return Lose();
                 }
                 auto record = Ok(response) ? ParseStoredResults(response->body) : std::nullopt;
                 if (!record) return backoff_.Failed(now.steady);
                 read_again_ = false;
                 if (!IsOurs(*record)) return PassOver();  // left alone, with its name: it may stay for ever
                 backoff_.Succeeded();
                 Adopt(std::move(*record));
                 DropStored();
               });
}

/// Takes it for what stands in the record that is written to.
void ResultLog::Adopt(StoredResults record) {
  lines_ += Count(record.lines) - (stored_.contains(record_) ? Count(held_) : 0);
  stored_.insert(record_);
  held_ = std::move(record.lines);
  version_ = std::move(record.version);
}

/// The record that is written to is not there: what it held is written anew.
void ResultLog::Lose() {
  if (stored_.erase(record_) > 0) lines_ -= Count(held_);
  version_.clear();
}

// The name belongs to somebody else: a batch of this name that has left its results behind, perhaps.
void ResultLog::PassOver() {
  log::Warn("ImageBatchRecord " + RecordName(record_) + " is not of this batch; its results go into " +
                RecordName(record_ + 1),
            {batch_.ns, batch_.name, {}, "ResultsElsewhere"});
  Lose();
  ++record_;
}

void ResultLog::DropStored() {
  std::unordered_set<std::string> stored;
  const auto identity = [](const ResultKey& key) { return key.build + "-" + std::to_string(key.attempt); };
  for (const std::string& line : held_) {
    if (const auto key = ParseResultLine(line)) stored.insert(identity(*key));
  }
  std::erase_if(waiting_, [&](const Waiting& waiting) {
    const auto key = ParseResultLine(waiting.line);
    return key && stored.contains(identity(*key));
  });
}

}  // namespace imagebatch::cluster
