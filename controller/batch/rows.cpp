#include "batch/rows.h"

#include <algorithm>

namespace imagebatch::batch {

void Rows::Begin(RowSource source) {
  runs_.emplace_back(rows_.size(), sources_.size());
  sources_.push_back(std::move(source));
}

void Rows::BeginRow() {
  draft_.clear();
  draft_text_.clear();
  ++draft_number_;
}

bool Rows::BeginColumn(std::string_view name) {
  const uint32_t column = ColumnOf(name);
  if (columns_[column].draft == draft_number_) return false;
  columns_[column].draft = draft_number_;
  draft_.push_back({column, std::nullopt, draft_text_.size(), 0});
  return true;
}

void Rows::SetValue(std::string_view value) {
  if (!columns_[draft_.back().column].used) return;
  draft_text_ += value;
  draft_.back().size = value.size();
}

void Rows::SetOther(Held held) { draft_.back().other = held; }

void Rows::AddRow(uint32_t number) {
  const auto row = static_cast<uint32_t>(rows_.size());
  values_ += draft_.size();
  for (const DraftCell& cell : draft_) {
    Column& column = columns_[cell.column];
    column.first_row = std::min(column.first_row, row);
  }
  std::erase_if(draft_, [&](const DraftCell& cell) { return !columns_[cell.column].used; });
  std::sort(draft_.begin(), draft_.end(),
            [](const DraftCell& a, const DraftCell& b) { return a.column < b.column; });
  sorted_text_.clear();
  for (const DraftCell& cell : draft_) {
    if (cell.other) {
      others_.push_back({row, cell.column, *cell.other});
      continue;
    }
    sorted_text_.append(draft_text_, cell.begin, cell.size);
    cells_.push_back({cell.column, static_cast<uint32_t>(sorted_text_.size())});
  }
  rows_.push_back({texts_.Store(sorted_text_).data(), {}, static_cast<uint32_t>(cells_.size()), number});
}

// Mostly it is a value of the row, which is then there already.
void Rows::SetName(size_t row, std::string_view name) {
  for (const Cell& cell : CellsOf(row)) {
    const std::string_view value = ValueOf(row, cell);
    if (value != name) continue;
    rows_[row].name = value;
    return;
  }
  rows_[row].name = texts_.Store(name);
}

std::optional<std::string_view> Rows::Value(size_t row, std::string_view column) const {
  const auto wanted = Find(column);
  if (!wanted) return std::nullopt;
  const std::span<const Cell> cells = CellsOf(row);
  const auto cell = std::lower_bound(cells.begin(), cells.end(), *wanted,
                                     [](const Cell& a, uint32_t b) { return a.column < b; });
  if (cell == cells.end() || cell->column != *wanted) return std::nullopt;
  return ValueOf(row, *cell);
}

std::optional<Held> Rows::OtherValue(size_t row, std::string_view column) const {
  const auto wanted = Find(column);
  for (auto other = OthersFrom(row); other != others_.end() && other->row == row; ++other) {
    if (wanted == other->column) return other->held;
  }
  return std::nullopt;
}

std::vector<Rows::Other>::const_iterator Rows::OthersFrom(size_t row) const {
  return std::lower_bound(others_.begin(), others_.end(), row,
                          [](const Other& a, size_t b) { return a.row < b; });
}

std::optional<uint32_t> Rows::Find(std::string_view column) const {
  return column_index_.Find(column, [&](uint32_t i) { return columns_[i].name; });
}

size_t Rows::SourceOf(size_t row) const {
  const auto after = std::upper_bound(runs_.begin(), runs_.end(), row,
                                      [](size_t a, const auto& run) { return a < run.first; });
  return std::prev(after)->second;
}

std::string Rows::Origin(size_t row) const { return sources_[SourceOf(row)].Origin(rows_[row].number); }

Rows Rows::Pick(std::span<const uint32_t> rows) const {
  Rows picked(used_);
  picked.sources_ = sources_;
  for (const uint32_t row : rows) {
    const size_t source = SourceOf(row);
    if (picked.runs_.empty() || picked.runs_.back().second != source) {
      picked.runs_.emplace_back(picked.size(), source);
    }
    picked.BeginRow();
    for (const Cell& cell : CellsOf(row)) {
      picked.BeginColumn(columns_[cell.column].name);
      picked.SetValue(ValueOf(row, cell));
    }
    for (auto other = OthersFrom(row); other != others_.end() && other->row == row; ++other) {
      picked.BeginColumn(columns_[other->column].name);
      picked.SetOther(other->held);
    }
    picked.AddRow(rows_[row].number);
    picked.SetName(picked.size() - 1, name(row));
  }
  return picked;
}

std::vector<std::pair<size_t, std::string_view>> Rows::Columns() const {
  std::vector<std::pair<size_t, std::string_view>> columns;
  for (const Column& column : columns_) {
    if (column.first_row != kNone) columns.emplace_back(column.first_row, column.name);
  }
  std::sort(columns.begin(), columns.end());
  return columns;
}

uint32_t Rows::ColumnOf(std::string_view name) {
  const auto name_of = [&](uint32_t i) { return columns_[i].name; };
  if (const auto known = column_index_.Find(name, name_of)) return *known;
  const auto column = static_cast<uint32_t>(columns_.size());
  columns_.push_back({texts_.Store(name), used_.contains(name), kNone, 0});
  column_index_.Add(column, name_of);
  return column;
}

std::span<const Rows::Cell> Rows::CellsOf(size_t row) const {
  const size_t begin = row == 0 ? 0 : rows_[row - 1].cells_end;
  return std::span(cells_).subspan(begin, rows_[row].cells_end - begin);
}

std::string_view Rows::ValueOf(size_t row, const Cell& cell) const {
  const uint32_t begin = &cell == CellsOf(row).data() ? 0 : (&cell - 1)->end;
  return {rows_[row].text + begin, cell.end - begin};
}

}  // namespace imagebatch::batch
