#include "hang/novelty.h"

#include <algorithm>
#include <utility>

namespace imagebatch::hang {

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
  if (young_.size == kHalf) old_ = std::exchange(young_, {});
  young_.Put(hash);
  return !known;
}

void Novelty::Add(size_t stream, std::string_view bytes) {
  Stream& of = streams_[stream];
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
        Judge(of.open);
        of.open.clear();
        of.before = 0;
      }
      if (ended && of.open.empty()) {
        Judge(piece);
      } else {
        of.open.append(piece);
        if (ended) Judge(of.open);
      }
    }
    if (ended) {
      of.open.clear();
      of.before = 0;
      of.skipping = false;
    }
  }
  if (bytes.empty()) return;
  of.open.clear();
  of.before = 0;
  of.skipping = true;
}

void Novelty::Renew() {
  budget_ = kBudgetBytes;
  bool marked = false;
  for (Stream& of : streams_) {
    const std::string_view added = std::string_view(of.open).substr(of.before);
    marked = marked ||
             (of.before > 0 && !added.empty() && added.find_first_not_of(".FsxE") == std::string_view::npos);
    of.before = of.open.size();
  }
  if (marked) ++marks_;
}

void Novelty::Judge(std::string_view piece) {
  const LineShape shape = ShapeOf(piece);
  const bool new_line = !shape.empty && seen_.Insert(shape.words);
  const bool grown = shape.amount_count > 0 && Grown(shape);
  if (new_line) ++lines_;
  if (new_line || grown) ++count_;
}

bool Novelty::Grown(const LineShape& shape) {
  if (largest_.size() >= kSubjects && !largest_.contains(shape.subject)) largest_.clear();
  const auto [at, fresh] = largest_.try_emplace(shape.subject);
  Largest& largest = at->second;
  constexpr uint64_t kNewContext = 2;
  if (fresh || lines_ - largest.seen_at >= kNewContext) largest.values.fill(-1);
  largest.seen_at = lines_;
  // Counters have places of their own: a bar that is drawn with digits must not move the percentage behind
  // it.
  size_t next = 0, next_counter = LineShape::kAmounts;
  bool grown = false, marked = false;
  for (size_t index = 0; index < shape.amount_count; ++index) {
    const Amount& amount = shape.amounts[index];
    const bool counter = amount.kind == Amount::Kind::Counter;
    double& value = largest.values[counter ? next_counter++ : next++];
    // The first one says what there is, not that it has grown.
    const bool larger = value >= 0 && amount.value > value;
    (counter ? marked : grown) |= larger;
    value = std::max(value, amount.value);
  }
  if (marked) ++marks_;
  return grown;
}

}  // namespace imagebatch::hang
