#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text_index.h"
#include "base/text_pool.h"

namespace imagebatch::batch {

/// Where rows come from. The origin of a row is its number there between two texts.
struct RowSource {
  std::string before, after;  // "ConfigMap verified/rows.jsonl line " and "", or "spec.images.rows[" and "]"

  std::string Origin(size_t number) const { return before + std::to_string(number) + after; }
};

/// What a column of a row can hold but a text, which alone can be used.
enum class Held : uint8_t { Null, List, Object, Fraction, Boolean };

/// The rows of a batch in the order of the input, made for very many of them. Names of columns and values are
/// untrusted text; numbers and booleans are kept as they were written. The texts that it hands out last as
/// long as it, or as what it is moved to.
class Rows {
 public:
  /// Kept are the values of the `used` columns. Of the others it only knows that they are there.
  explicit Rows(std::set<std::string, std::less<>> used) : used_(std::move(used)) {}

  /// Rows that are added from here on come from there.
  void Begin(RowSource source);
  /// A row is put together column by column, each begun and then given its value, and added at the end; where
  /// something turns out to be wrong with it, the next one is begun instead.
  void BeginRow();
  /// False where the row has that column already.
  bool BeginColumn(std::string_view name);
  void SetValue(std::string_view value);
  /// Of a column that holds something else.
  void SetOther(Held held);
  size_t columns_begun() const { return draft_.size(); }
  /// `number` is that of the row in its source.
  void AddRow(uint32_t number);

  /// The row's name, unique within the batch, from spec.images.nameFrom.
  void SetName(size_t row, std::string_view name);
  std::string_view name(size_t row) const { return rows_[row].name; }
  /// The value of a column that is used; nothing where the row has no such column, or it holds no text.
  std::optional<std::string_view> Value(size_t row, std::string_view column) const;
  /// What a column that is used holds in place of a text; nothing where the row has no such column.
  std::optional<Held> OtherValue(size_t row, std::string_view column) const;
  std::string Origin(size_t row) const;

  /// The rows with these indexes, in that order; each at most once. Their texts are copied: what these handed
  /// out goes with these.
  Rows Pick(std::span<const uint32_t> rows) const;

  size_t size() const { return rows_.size(); }
  bool empty() const { return rows_.empty(); }
  /// Of all rows together, of columns that are used or not.
  size_t values() const { return values_; }
  /// All columns, each with the first row that has it; by that, then by name. Of rows that were picked only
  /// the columns that are used.
  std::vector<std::pair<size_t, std::string_view>> Columns() const;

 private:
  static constexpr uint32_t kNone = UINT32_MAX;
  struct Column {
    std::string_view name;
    bool used = false;
    uint32_t first_row = kNone;
    uint64_t draft = 0;  // the last draft that had it
  };
  struct Cell {
    uint32_t column = 0;
    uint32_t end = 0;  // of its value within the row's text
  };
  struct Other {
    uint32_t row = 0, column = 0;
    Held held = Held::Null;
  };
  struct Row {
    const char* text = nullptr;
    std::string_view name;
    uint32_t cells_end = 0;
    uint32_t number = 0;
  };

  struct DraftCell {
    uint32_t column = 0;
    std::optional<Held> other;
    size_t begin = 0, size = 0;  // of its value within the draft's text
  };

  uint32_t ColumnOf(std::string_view name);
  std::optional<uint32_t> Find(std::string_view column) const;
  std::vector<Other>::const_iterator OthersFrom(size_t row) const;
  size_t SourceOf(size_t row) const;
  std::span<const Cell> CellsOf(size_t row) const;
  std::string_view ValueOf(size_t row, const Cell& cell) const;

  std::set<std::string, std::less<>> used_;
  TextPool texts_;
  std::vector<Column> columns_;
  TextIndex column_index_;
  std::vector<RowSource> sources_;
  std::vector<std::pair<size_t, size_t>> runs_;  // rows of one source: the first of them, and the source
  std::vector<Row> rows_;
  std::vector<Cell> cells_;    // of one row after another, in each by column
  std::vector<Other> others_;  // of the columns that are used, by row
  size_t values_ = 0;

  // the row that is put together
  std::vector<DraftCell> draft_;
  std::string draft_text_, sorted_text_;  // values in the order of the input, and of the columns
  uint64_t draft_number_ = 0;
};

}  // namespace imagebatch::batch
