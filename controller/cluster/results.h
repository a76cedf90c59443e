#pragma once
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "batch/types.h"
#include "cluster/evidence.h"
#include "cluster/evidence_store.h"
#include "cluster/outcome.h"
#include "cluster/requests.h"

namespace imagebatch::cluster {

/// One finished attempt, as it is stored.
struct ResultKey {
  std::string build;  // hash
  int attempt = 0;
  bool succeeded = false;
  plan::Cause cause = plan::Cause::Build;
  Time finished{};
  double seconds = 0;  // from the start of its container to its end
  std::string reason, message;
};

/// What a result line tells of the build beside its outcome.
struct ResultSubject {
  std::string stage, name, image, build_hash, job;
  int attempt = 1;
  std::optional<HangVerdict> verdict;  // of a build that hung when it was ended, by whomever
  EvidenceReference evidence{};        // both empty where there is none
};

/// One JSON object on one line, at most 4 KiB, with the field names of the manifest it replaces (time, tags,
/// error, status, attempt_count, started_at, finished_at, duration_seconds) plus stage, class and evidence.
std::string ResultLine(const ResultSubject& subject, const Outcome& outcome, Time now);

/// Reads a line back; nothing for a line that is none of ours.
std::optional<ResultKey> ParseResultLine(std::string_view line);

/// The stored results of one batch: ConfigMaps <batch>-results-<n> of at most 512 KiB, each owned by the
/// batch. Lines are stored together: when 20 wait or the oldest has waited 10 s. Every write carries the
/// version it builds on; after a conflict or a lost reply the ConfigMap is read again and only what it lacks
/// is added, so no line is lost and none stands twice.
class ResultLog {
 public:
  ResultLog(const batch::Batch& batch, Requests& requests, const void* owner);

  /// Asks for what is stored; `loaded` is called once with the lines of all ConfigMaps. Errors are tried
  /// again.
  void Load(Now now);
  bool loaded() const { return loaded_; }
  std::vector<ResultKey> TakeLoaded() { return std::move(loaded_keys_); }

  void Add(std::string line, Now now);
  /// Nothing waits to be stored.
  bool Empty() const { return waiting_.empty(); }
  /// Store what waits at the next Step, however little it is.
  void Hurry() { hurry_ = true; }

  void Step(Now now);
  std::optional<SteadyTime> Next() const;

  int64_t lines() const { return lines_; }
  std::vector<std::string> config_maps() const;

 private:
  struct Waiting {
    std::string line;
    SteadyTime since;
  };

  std::string ShardName(int number) const;
  void Read(const std::string& body, Now now);
  void AdoptShard(const nlohmann::json& config_map);
  void Write();
  void Written(const Result<kube::Response>& response, Now now);
  void ReadShardAgain();
  void DropStored();

  std::string ns_, batch_name_, batch_uid_;
  nlohmann::json owner_reference_;
  Requests& requests_;
  const void* owner_;

  bool loaded_ = false, loading_ = false, writing_ = false, read_again_ = false, hurry_ = false;
  std::vector<ResultKey> loaded_keys_;
  Backoff backoff_;
  std::deque<Waiting> waiting_;
  size_t in_flight_ = 0;  // how many of waiting_, from the front, the write under way carries

  int shard_ = 0;              // the ConfigMap that is written to; 0: none yet
  std::string shard_text_;     // what it holds
  std::string shard_version_;  // its resourceVersion; empty: it does not exist
  int64_t lines_ = 0;
};

}  // namespace imagebatch::cluster
