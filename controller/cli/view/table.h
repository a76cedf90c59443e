#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace imagebatch::cli {

/// How many columns of a terminal a text takes: its code points, of which East Asian wide ones count twice.
size_t Columns(std::string_view text);
/// `text` cut to so many columns, with "..." as its end where it was cut.
std::string Fit(std::string_view text, size_t columns);

/// A table as kubectl prints it: a heading in capitals, three spaces between columns. Whatever is put into it
/// becomes printable.
class Table {
 public:
  explicit Table(std::vector<std::string> heading) { rows_.push_back(std::move(heading)); }

  /// As many cells as the heading has; an empty one is shown as "-".
  void Add(const std::vector<std::string>& cells);
  bool Empty() const { return rows_.size() == 1; }
  /// One line for each row, each indented by `indent` and at most `columns` wide; 0: as wide as it gets.
  std::string Text(size_t indent = 0, size_t columns = 0) const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace imagebatch::cli
