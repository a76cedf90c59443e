#pragma once
#include <optional>
#include <string_view>

#include "cluster/evidence.h"
#include "cluster/views.h"

namespace imagebatch::cluster {

/// Follows a running build that has no runner, from outside: where its log has had no new line for a time, it
/// is Unobserved, with reason LogSilence. One line is read when there can be something to find out, and none
/// while the log is known to be younger. The node's clock (of the lines) is compared with ours.
class SilenceWatch {
 public:
  struct Step {
    bool read_line = false;  // ask for the log's last line
    bool changed = false;    // the verdict has gone
  };
  /// `limit`: how long a log may be silent; zero: for ever.
  Step Look(const PodView& pod, std::chrono::seconds limit, Now now);

  /// The last line has been read, with its time stamp: empty where the log is; nothing where that failed.
  /// True where the verdict has come or gone.
  bool OnLine(const std::optional<std::string_view>& log, Now now);

  const std::optional<HangVerdict>& verdict() const { return verdict_; }

  /// When Look has something to do that it has not now, for time alone.
  std::optional<SteadyTime> Next() const;

 private:
  std::optional<HangVerdict> verdict_;
  std::optional<SteadyTime> next_;  // the next read
  std::chrono::seconds limit_{0};
  Time last_{};  // of the last line that is known; before the first one, the container's start
  bool reading_ = false;
};

}  // namespace imagebatch::cluster
