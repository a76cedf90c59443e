#pragma once
#include <functional>
#include <string>
#include <vector>

#include "hang/novelty.h"

namespace imagebatch::runner {

inline constexpr size_t kMostRepeats = 8;
inline constexpr size_t kRepeatBytes = 240;  // of one sentence
inline constexpr size_t kRepeatClauseBytes = 170;

struct RepeatList {
  std::vector<std::string> sentences;  // the most frequent line first; printable, secrets masked
  std::string clause;                  // of the most frequent one, shorter; empty where there is none
};

/// `the line "waiting for lock ..." came 312 times since 12:03:10 UTC`, one for each line of the cycle, at
/// most kMostRepeats. `clock` makes RFC 3339 of a time.
RepeatList RepeatWords(const hang::Repeats::Cycle& cycle,
                       const std::function<std::string(hang::TimePoint)>& clock);

/// Without the escape sequences of terminals.
std::string WithoutEscapes(std::string_view text);

}  // namespace imagebatch::runner
