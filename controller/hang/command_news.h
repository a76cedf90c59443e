#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "hang/line_template.h"
#include "hang/novelty.h"

namespace imagebatch::hang {

/// A process that was started, as far as it could be seen.
struct Started {
  std::string_view command;         // its arguments, with spaces between them
  std::string_view directory;       // in which it runs
  std::span<const uint64_t> files;  // hashes of those that it has open or names
};

/// Tells what is started for the first time from what a poll starts again and again. A command is new where
/// its words or its directory were not there before (numbers, times, identifiers and what is drawn at random
/// set aside, see LineShape and LineTemplates), or where it opens or names a file that none before it did.
/// What is seen a second time was no news at the first, for of short-lived processes only those are seen
/// that live at the moment of a look: the rarest program of a poll may be met late.
///
/// Memory is bounded; what is forgotten is new again.
class CommandNews {
 public:
  struct Answer {
    bool is_new = false;
    bool known_exactly = false;  // it was there before, letter by letter
  };
  /// `again`: the same process was seen before, in the same command.
  Answer Add(const Started& started, bool again, TimePoint now);

  /// When the newest of what was seen once came; nothing where there is none. Left out is what came alone
  /// among known ones, until there are kFewAlone of such: it may be the rarest program of a poll.
  std::optional<TimePoint> Newest() const;

  /// One of the last commands was there before.
  bool AnyKnown() const { return last_known_ != 0; }
  /// The last two were, letter by letter ("test 17" after "test 16" was not).
  bool AllKnown() const { return (last_exact_ & kLastTwo) == kLastTwo; }

 private:
  static constexpr size_t kRemembered = 4096;  // commands, and files
  static constexpr size_t kOnce = 32;
  static constexpr long kFewAlone = 4;

  /// Whether it is new.
  bool AddOne(SeenLines& to, uint64_t hash, bool again, TimePoint now);

  struct Once {
    uint64_t hash;
    TimePoint at;
    bool alone;  // among known ones
  };
  // One bit for each of the last commands, the newest lowest
  static constexpr uint8_t kLastOnes = 0b1111, kLastTwo = 0b11;
  uint8_t last_known_ = 0, last_exact_ = 0;
  std::vector<Once> once_;  // the newest of what was seen once, oldest first

  SeenLines commands_{kRemembered}, exact_{kRemembered}, files_{kRemembered};
  LineTemplates templates_;
};

}  // namespace imagebatch::hang
