#pragma once
#include <optional>
#include <string>

#include "base/result.h"
#include "cluster/objects/evidence.h"
#include "cluster/objects/views.h"

namespace imagebatch::cluster {

/// Follows a running build that has no runner, from outside: where its log has had no new line for a time, it
/// is Unobserved, with reason LogSilence. One line is read when there can be something to find out, and none
/// while the log is known to be younger. The node's clock (of the lines) is compared with ours. Where the log
/// cannot be read twice in a row, the reason is LogUnreadable.
class SilenceWatch {
 public:
  /// True: ask for the log's last line. `limit`: how long a log may be silent; zero: for ever.
  bool Look(const PodView& pod, std::chrono::seconds limit, Now now);

  /// The last line has been read, with its time stamp: empty where the log is; or why it cannot be.
  void OnLine(const Result<std::string>& log, Now now);

  const Rare<Verdict>& verdict() const { return verdict_; }
  /// It runs, and its last line has never been read.
  bool undecided() const { return next_ && !answered_; }

  /// When Look has something to do that it has not now, for time alone.
  std::optional<SteadyTime> Next() const;

 private:
  Rare<Verdict> verdict_;
  std::optional<SteadyTime> next_;  // the next read
  std::chrono::seconds limit_{0};
  Time last_{};  // of the last line that is known; before the first one, the container's start
  bool reading_ = false, answered_ = false;
  int failures_ = 0;  // in a row
};

}  // namespace imagebatch::cluster
