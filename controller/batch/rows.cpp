#include "batch/rows.h"

#include <algorithm>

namespace imagebatch::batch {

void Rows::Begin(RowSource source) { sources_.emplace_back(rows_.size(), std::move(source)); }

void Rows::BeginRow() {
  draft_.clear();
  draft_text_.clear();
  ++draft_number_;
}

bool Rows::BeginColumn(std::string_view name) {
  const uint32_t column = ColumnOf(name);
  if (columns_[column].draft == draft_number_) return false;
  columns_[column].draft = draft_number_;
  draft_.push_back({column, draft_text_.size(), 0});
  return true;
}

void Rows::SetValue(std::string_view value) {
  if (!columns_[draft_.back().column].used) return;
  draft_text_ += value;
  draft_.back().size = value.size();
}

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
  const auto wanted = column_index_.Find(column, [&](uint32_t i) { return columns_[i].name; });
  if (!wanted) return std::nullopt;
  const std::span<const Cell> cells = CellsOf(row);
  const auto cell = std::lower_bound(cells.begin(), cells.end(), *wanted,
                                     [](const Cell& a, uint32_t b) { return a.column < b; });
  if (cell == cells.end() || cell->column != *wanted) return std::nullopt;
  return ValueOf(row, *cell);
}

std::string Rows::Origin(size_t row) const {
  const auto after = std::upper_bound(sources_.begin(), sources_.end(), row,
                                      [](size_t a, const auto& source) { return a < source.first; });
  return std::prev(after)->second.Origin(rows_[row].number);
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
