#include "runner/report/repeat_words.h"

#include <algorithm>

#include "base/mask.h"
#include "base/text.h"
#include "hang/line_shape.h"

namespace imagebatch::runner {
namespace {

constexpr size_t kClauseLineBytes = 70;

/// "12:03:10 UTC" of "2026-11-28T12:03:10.123Z"
std::string TimeOfDay(const std::string& time) {
  constexpr size_t kDate = 11, kTime = 8;
  return time.size() < kDate + kTime ? time : time.substr(kDate, kTime) + " UTC";
}

std::string Sentence(const hang::RepeatedLine& line, bool at_least, const std::string& time, size_t bytes) {
  const std::string end = "\" came " + std::string(at_least ? "at least " : "") + std::to_string(line.times) +
                          " times since " + time;
  std::string text = MaskSecrets(WithoutEscapes(line.text));
  const size_t start = std::min(text.find_first_not_of(" \t"), text.size());
  return "the line \"" + Printable(std::string_view(text).substr(start), bytes) + end;
}

}  // namespace

std::string WithoutEscapes(std::string_view text) {
  std::string plain;
  while (!text.empty()) {
    if (const size_t escape = hang::EscapeSize(text); escape > 0) {
      text.remove_prefix(std::min(escape, text.size()));
      continue;
    }
    if (text.front() != '\033') plain += text.front();
    text.remove_prefix(1);
  }
  return plain;
}

RepeatList RepeatWords(const hang::Repeats::Cycle& cycle,
                       const std::function<std::string(hang::TimePoint)>& clock) {
  RepeatList list;
  if (cycle.lines.empty()) return list;
  const auto say = [&](const hang::RepeatedLine& line, size_t bytes) {
    return Sentence(line, cycle.at_least, TimeOfDay(clock(line.first)), bytes);
  };
  for (const hang::RepeatedLine& line : cycle.lines) {
    if (list.sentences.size() == kMostRepeats) break;
    constexpr size_t kRest = 90;  // what stands around the line
    list.sentences.push_back(say(line, kRepeatBytes - kRest));
  }
  list.clause = say(cycle.lines.front(), kClauseLineBytes);
  if (const size_t lines = cycle.lines.size(); lines > 1) {
    list.clause += ", in a cycle of " + std::string(lines == hang::Repeats::kLines ? "at least " : "") +
                   std::to_string(lines) + " lines";
  }
  return list;
}

}  // namespace imagebatch::runner
