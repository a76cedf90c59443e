#include "hang/novelty.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace imagebatch::hang {
namespace {

/// Parts the numbers of templates from the hashes of words, but for chance.
constexpr uint64_t kTemplate = uint64_t{1} << 63 | uint64_t{1} << 40;

}  // namespace

bool SeenLines::Table::Has(uint64_t hash) const {
  if (slots.empty()) return false;
  for (size_t slot = hash & (slots.size() - 1);; slot = (slot + 1) & (slots.size() - 1)) {
    if (slots[slot] == hash) return true;
    if (slots[slot] == 0) return false;
  }
}

void SeenLines::Table::Put(uint64_t hash) {
  if (slots.size() < 2 * (size + 1)) {
    const std::vector<uint64_t> before =
        std::exchange(slots, std::vector<uint64_t>(std::max(size_t{256}, 2 * slots.size())));
    size = 0;
    for (uint64_t each : before) {
      if (each != 0) Put(each);
    }
  }
  size_t slot = hash & (slots.size() - 1);
  while (slots[slot] != 0) slot = (slot + 1) & (slots.size() - 1);
  slots[slot] = hash;
  ++size;
}

bool SeenLines::Insert(uint64_t hash) {
  // The low bits choose the slot: all bits have their part in them (the finish of MurmurHash3).
  hash ^= hash >> 33;
  hash *= 0xFF51AFD7ED558CCD;
  hash ^= hash >> 33;
  if (hash == 0) hash = 1;
  if (young_.Has(hash)) return false;
  const bool known = old_.Has(hash);
  if (young_.size == half_) old_ = std::exchange(young_, {});
  young_.Put(hash);
  return !known;
}

void Repeats::Add(uint64_t key, std::string_view line, TimePoint now) {
  auto at = std::find_if(lines_.begin(), lines_.end(), [key](const Line& each) { return each.key == key; });
  if (at == lines_.end()) {
    if (lines_.size() < kLines) {
      at = lines_.emplace(lines_.end());
    } else {
      at = std::min_element(lines_.begin(), lines_.end(), [](const Line& one, const Line& other) {
        return one.seen.last < other.seen.last;
      });
      forgotten_ = std::max(forgotten_, at->seen.last);
    }
    at->key = key;
    at->seen.times = 0;
    at->seen.first = now;
  }
  at->seen.text.assign(line.substr(0, kBytes));
  ++at->seen.times;
  at->seen.last = now;
}

Repeats::Cycle Repeats::Since(TimePoint since) const {
  Cycle cycle;
  cycle.at_least = missed_ >= since || forgotten_ >= since;
  for (const Line& line : lines_) {
    if (line.seen.times > 1 && line.seen.last >= since) cycle.lines.push_back(line.seen);
  }
  std::stable_sort(
      cycle.lines.begin(), cycle.lines.end(),
      [](const RepeatedLine& one, const RepeatedLine& other) { return one.times > other.times; });
  return cycle;
}

void Novelty::Add(size_t stream, std::string_view bytes, TimePoint now) {
  Stream& of = streams_[stream];
  const auto close = [&of] {
    of.open.clear();
    of.before = of.read = 0;
  };
  while (!bytes.empty() && budget_ > 0) {
    const std::string_view within = bytes.substr(0, budget_);
    const size_t end = within.find_first_of("\n\r");
    std::string_view piece = within.substr(0, end);
    const bool ended = end != std::string_view::npos;
    const size_t taken = piece.size() + (ended ? 1 : 0);
    bytes.remove_prefix(taken);
    budget_ -= taken;
    if (!of.skipping) {
      while (of.open.size() + piece.size() > kPieceBytes) {
        const size_t room = kPieceBytes - of.open.size();
        of.open.append(piece.substr(0, room));
        piece.remove_prefix(room);
        Judge(of.open, now);
        close();
      }
      if (ended && of.open.empty()) {
        Judge(piece, now);
      } else {
        of.open.append(piece);
        if (ended) Judge(of.open, now);
      }
    }
    if (ended) {
      close();
      of.skipping = false;
    }
  }
  if (bytes.empty()) return;
  repeats_.Miss(now);
  close();
  of.skipping = true;
}

void Novelty::Renew(TimePoint now) {
  budget_ = kBudgetBytes;
  new_lines_left_ = kNewLines;
  for (Stream& of : streams_) ReadOpen(of, now);
}

void Novelty::ReadOpen(Stream& of, TimePoint now) {
  const std::string_view open = of.open;
  const std::string_view added = open.substr(of.before);
  const bool was_there = of.before > 0;
  if (was_there && !added.empty() && added.find_first_not_of(".FsxE") == std::string_view::npos) {
    of.dots += static_cast<double>(added.size());
    Tick(of.pace, of.dots, now);
  }
  of.before = open.size();
  // What was there at the last time, up to its last whole word
  constexpr std::string_view kBetween = " \t\b,;.";
  const size_t end = open.find_last_of(kBetween);
  if (end == std::string_view::npos || end < of.read) return;
  for (std::string_view rest = open.substr(of.read, end - of.read); !rest.empty();) {
    const std::string_view word = rest.substr(0, rest.find_first_of(kBetween));
    if (!ShapeOf(word).empty) {
      // As one kind of line, so that words drawn at random are found out
      Judge("open " + std::string(word), now, false);
    } else if (was_there) {
      // "20%" has grown out of a line that stays. Of a bar that is drawn anew it would be what it just shows,
      // and that one time more than the other is chance
      Judge(word, now, false);
    }
    rest.remove_prefix(std::min(rest.size(), word.size() + 1));
  }
  of.read = end + 1;
}

void Novelty::Judge(std::string_view piece, TimePoint now, bool whole) {
  const LineShape shape = ShapeOf(piece);
  if (shape.amount_count > 0 && Grown(shape, piece, now)) ++said_.news;
  if (shape.empty || new_lines_left_ == 0 || !seen_.Insert(shape.words)) {
    if (whole && !piece.empty()) repeats_.Add(shape.words, piece, now);
    return;
  }
  --new_lines_left_;
  const LineTemplates::Answer answer = templates_.Add(piece);
  const bool known = answer != LineTemplates::Answer::New;
  if (whole) repeats_.Add(known ? kTemplate | templates_.Last() : shape.words, piece, now);
  switch (answer) {
    case LineTemplates::Answer::New:
      if (whole) ++lines_;
      ++said_.news;
      return;
    case LineTemplates::Answer::Doubtful:
      ++said_.doubts;
      return;
    case LineTemplates::Answer::Unmasked:
      ++said_.withdrawals;
      return;
    case LineTemplates::Answer::Same:
      return;
  }
}

void Novelty::Tick(Pace& pace, double value, TimePoint now) {
  pace.Add(value, now);
  ++(pace.IsUneven() ? said_.marks : said_.ticks);
}

Pace& Novelty::PaceOf(uint64_t subject, size_t place) {
  const uint64_t key = subject * (2 * LineShape::kAmounts) + place;
  if (paces_.size() >= kCounters && !paces_.contains(key)) paces_.clear();
  return paces_[key];
}

bool Novelty::Grown(const LineShape& shape, std::string_view piece, TimePoint now) {
  if (largest_.size() >= kSubjects && !largest_.contains(shape.subject)) largest_.clear();
  const auto [at, fresh] = largest_.try_emplace(shape.subject);
  Largest& largest = at->second;
  if (fresh) largest.gauges = GaugesOf(piece);
  constexpr uint64_t kNewContext = 2;
  if (fresh || lines_ - largest.seen_at >= kNewContext) {
    largest.values.fill(-1);
    largest.left.fill({0, std::numeric_limits<double>::infinity()});
  }
  largest.seen_at = lines_;
  // Counters have places of their own: a bar that is drawn with digits must not move the percentage behind
  // it.
  size_t next = 0, next_counter = LineShape::kAmounts;
  bool grown = false;
  for (size_t index = 0; index < shape.amount_count; ++index) {
    const Amount& amount = shape.amounts[index];
    const bool counter = amount.kind == Amount::Kind::Counter;
    const size_t place = counter ? next_counter++ : next++;
    if ((uint32_t{largest.gauges} >> index & 1U) != 0) continue;
    double& value = largest.values[place];
    // The first one says what there is, not that it has grown.
    const bool first = value < 0;
    const bool larger = !first && amount.value > value;
    value = std::max(value, amount.value);
    bool nearer = !counter;
    if (amount.total > 0) {
      auto& [total, left] = largest.left[place];
      const double left_now = amount.total - amount.value;
      nearer = left_now < left;
      left = amount.total == total ? std::min(left, left_now) : left_now;
      total = amount.total;
    }
    if (larger && nearer) grown = true;
    if (nearer) continue;
    Pace& pace = PaceOf(shape.subject, place);
    if (larger) {
      Tick(pace, amount.value, now);
    } else {
      pace.Add(amount.value, now);
    }
  }
  return grown;
}

}  // namespace imagebatch::hang
