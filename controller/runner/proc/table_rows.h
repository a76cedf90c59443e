#pragma once
#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

#include "runner/proc/proc_text.h"

namespace imagebatch::runner {

/// Calls `each` with the first columns of every line but the first of a table such as /proc/net/tcp; a column
/// is empty where the line has fewer.
template <size_t kColumns, class Each>
void ForEachRow(std::string_view text, const Each& each) {
  TakeUntil(text, '\n');  // headings
  while (!text.empty()) {
    std::string_view line = TakeUntil(text, '\n');
    std::array<std::string_view, kColumns> columns;
    for (std::string_view& column : columns) {
      line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
      column = TakeUntil(line, ' ');
    }
    each(columns);
  }
}

}  // namespace imagebatch::runner
