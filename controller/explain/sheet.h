#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace imagebatch::explain {

/// A sheet of text that fills line by line. Whatever is put on it becomes printable.
class Sheet {
 public:
  /// `columns`: of bytes; more than its deepest indentation.
  explicit Sheet(size_t columns) : columns_(columns) {}

  void Empty() { lines_.emplace_back(); }
  /// `text` from column `indent` on, wrapped between words; what follows its first line is two columns
  /// deeper.
  void Add(size_t indent, std::string_view text);
  /// The same, on one line: what is too long is cut.
  void AddCut(size_t indent, std::string_view text);

  size_t Lines() const { return lines_.size(); }
  /// All lines; of more than `most` the last is replaced by how many are left out.
  std::string Text(size_t most) const;

 private:
  size_t columns_;
  std::vector<std::string> lines_;
};

}  // namespace imagebatch::explain
