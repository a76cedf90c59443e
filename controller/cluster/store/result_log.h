#pragma once
#include <deque>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "batch/types.h"
#include "cluster/objects/record.h"
#include "cluster/store/backoff.h"
#include "cluster/store/channel.h"
#include "cluster/store/result_line.h"

namespace imagebatch::cluster {

/// The stored results of one batch: ImageBatchRecords <batch>-results-<n> of at most 64 KiB, each owned by
/// the batch. Lines are stored together: when 20 wait or the oldest has waited 10 s. A write carries the new
/// lines alone and the version it builds on; after a conflict or a lost reply the record is read again and
/// only what it lacks is added, so no line is lost and none stands twice.
class ResultLog {
 public:
  ResultLog(const batch::Batch& batch, Channel& channel);

  /// Before anything else: what is known to be stored, as records() was.
  void Expect(const std::vector<std::string>& records);

  /// Step reads what is stored, one record at a time, up to the first name that is not there behind those
  /// that were expected. Errors are tried again.
  bool loaded() const { return loaded_; }
  /// Once; of failed attempts but the newest without reason and message.
  std::deque<ResultKey> TakeLoaded() { return std::exchange(loaded_keys_, {}); }

  /// Gives up what is known of what is stored: Step reads it anew. Nothing may wait or be under way.
  void Forget();

  /// A number for Stored.
  uint64_t Add(std::string line, Now now);
  /// The line of this number waits no more.
  bool Stored(uint64_t number) const;
  /// Lines that are not stored yet.
  size_t waiting() const { return waiting_.size(); }
  /// Nothing waits to be stored.
  bool Empty() const { return waiting_.empty(); }
  /// Store what waits at the next Step, however little it is.
  void Hurry() { hurry_ = true; }

  void Step(Now now);
  std::optional<SteadyTime> Next() const;

  /// Of what is stored.
  int64_t lines() const { return lines_; }
  /// The newest, at most kNamed.
  std::vector<std::string> records() const;
  static constexpr size_t kNamed = 500;

 private:
  struct Waiting {
    std::string line;
    SteadyTime since;
    uint64_t number;
  };

  std::string RecordName(int number) const;
  void Load(Now now);
  void Loaded(const Result<kube::Response>& response, Now now);
  void TakeLine(std::string_view line);
  bool IsOurs(const StoredResults& record) const { return record.batch_uid == batch_.uid; }
  void Adopt(StoredResults record);
  void Write();
  void Written(const Result<kube::Response>& response, Now now);
  void ReadAgain();
  void Lose();
  void PassOver();
  void DropStored();

  const batch::Batch& batch_;
  Channel& channel_;

  bool loaded_ = false, loading_ = false, writing_ = false, read_again_ = false, hurry_ = false;
  int next_ = 1, expected_ = 0;  // the record to be read, and the last one that was known to be there
  std::deque<ResultKey> loaded_keys_;
  std::deque<ResultKey*> explained_;  // the newest failed ones of them
  Backoff backoff_;
  std::deque<Waiting> waiting_;  // by number
  uint64_t last_number_ = 0;
  size_t in_flight_ = 0;  // how many of waiting_, from the front, the write under way carries

  int record_ = 0;                 // the number of the one that is written to; 0: none yet
  std::vector<std::string> held_;  // the lines in it
  std::string version_;            // its resourceVersion; empty: it does not exist
  std::set<int> stored_;           // the numbers of those that exist
  int64_t lines_ = 0;              // in them
};

}  // namespace imagebatch::cluster
