#pragma once
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "batch/types.h"
#include "rows/records.h"

namespace imagebatch::rows {

/// What is wanted of the rows.
struct Wanted {
  Columns columns;
  std::string name_from;                         // spec.images.nameFrom, for a selection
  std::map<std::string, std::string> variables;  // of the batch, which names may use
  std::string by;                                // who wants the columns, for messages: "--columns"
};

/// The columns that a batch uses, and how its rows are called.
Wanted WantedBy(const batch::Batch& batch);

/// Fails where a wanted column is in no row, or holds a list, an object, or in YAML a fraction or a boolean.
/// A row may lack one, or have null there: then it is left out, and the batch tells if the row needs it.
/// Where all columns are wanted, those that hold lists or objects anywhere, or that a batch could not name,
/// are removed; returns their names.
Result<std::vector<std::string>> CheckColumns(std::vector<Record>& records, const Wanted& wanted);

/// Keeps the records with these names, in their own order. Fails where no record has one of them.
Result<void> SelectRecords(std::vector<Record>& records, const Wanted& wanted,
                           const std::vector<std::string>& names);

}  // namespace imagebatch::rows
