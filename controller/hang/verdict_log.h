#pragma once
#include <array>
#include <cstddef>
#include <optional>
#include <vector>

#include "hang/verdict.h"

namespace imagebatch::hang {

/// One time at which the build was hung.
struct PastVerdict {
  Class hang_class;
  TimePoint since;
  std::optional<TimePoint> until;  // absent: it still is
};

/// All Hung verdicts of one run, those that passed by themselves included. Bounded, however many there are.
class VerdictLog {
 public:
  static constexpr size_t kNewest = 8;

  /// The verdict has changed (see Changed()). One of another class ends the one before it.
  void Add(const Verdict& verdict);

  /// The newest kNewest, oldest first.
  const std::vector<PastVerdict>& Newest() const { return newest_; }
  /// How many of `hang_class` there were in all.
  size_t Count(Class hang_class) const { return counts_[static_cast<size_t>(hang_class)]; }

 private:
  std::vector<PastVerdict> newest_;
  std::array<size_t, kAllClasses.size()> counts_{};
};

}  // namespace imagebatch::hang
