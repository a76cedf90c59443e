#include "rows/selection.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "base/text.h"
#include "batch/names.h"
#include "batch/problems.h"
#include "batch/references.h"
#include "batch/stage_uses.h"

namespace imagebatch::rows {
namespace {

using batch::Held;

/// Why a value cannot be used; nothing where it can, or is merely not there.
std::string_view Unusable(const Value& value) {
  if (!value.other) return "";
  switch (*value.other) {
    case Held::Null:
      return "";
    case Held::List:
      return "is a list; a row may contain only strings, numbers and booleans";
    case Held::Object:
      return "is an object; a row may contain only strings, numbers and booleans";
    case Held::Fraction:
      return "is a number with a fraction; put it in quotes to keep it as written";
    case Held::Boolean:
      return "is a boolean; put it in quotes to keep it as written";
  }
  return "";
}

bool IsNested(const Value& value) { return value.other == Held::List || value.other == Held::Object; }

/// The name of a record, as the batch would make it; nothing where the record lacks a part of it.
std::optional<std::string> NameOf(const Record& record, const Wanted& wanted) {
  bool all = true;
  std::string name = batch::Substitute(wanted.name_from, batch::Dollars::Single,
                                       [&](std::string_view reference) -> std::optional<std::string_view> {
                                         const bool row = reference.starts_with("row.");
                                         const Value* value =
                                             record.Find(row ? reference.substr(4) : reference);
                                         if (value != nullptr && !value->other) return value->text;
                                         const auto variable = wanted.variables.find(std::string(reference));
                                         if (variable != wanted.variables.end()) return variable->second;
                                         all = false;
                                         return std::nullopt;
                                       });
  return all ? std::optional(std::move(name)) : std::nullopt;
}

}  // namespace

Wanted WantedBy(const batch::Batch& batch) {
  std::set<std::string, std::less<>> columns = batch::UsedColumns(batch);
  for (const auto& [name, value] : batch.variables) columns.erase(name);
  return {std::move(columns), batch.images.name_from, batch.variables,
          "ImageBatch " + Printable(batch.name, 100)};
}

Result<std::vector<std::string>> CheckColumns(std::vector<Record>& records, const Wanted& wanted) {
  std::set<std::string, std::less<>> there, removed;
  for (const Record& record : records) {
    for (const Value& value : record.values) {
      there.insert(value.column);
      if (!wanted.columns && (IsNested(value) || !batch::IsColumnName(value.column))) {
        removed.insert(value.column);
      } else if (const std::string_view why = Unusable(value); !why.empty()) {
        return Fail(record.origin + ": column " + Quote(value.column) + " " + std::string(why));
      }
    }
  }
  for (Record& record : records) {
    std::erase_if(record.values, [&](const Value& value) { return removed.contains(value.column); });
  }
  if (wanted.columns && !records.empty()) {
    for (const std::string& column : *wanted.columns) {
      if (!there.contains(column))
        return Fail("no row has a column " + Quote(column) + ", which " + wanted.by + " asks for");
    }
  }
  return std::vector<std::string>(removed.begin(), removed.end());
}

Result<void> SelectRecords(std::vector<Record>& records, const Wanted& wanted,
                           const std::vector<std::string>& names) {
  const std::unordered_set<std::string_view> listed(names.begin(), names.end());
  std::unordered_set<std::string> found;
  std::erase_if(records, [&](const Record& record) {
    const auto name = NameOf(record, wanted);
    if (!name || !listed.contains(*name)) return true;
    found.insert(*name);
    return false;
  });
  std::vector<std::string_view> unknown;
  for (const std::string& name : names) {
    if (found.insert(name).second) unknown.push_back(name);
  }
  if (unknown.empty()) return {};
  return Fail((unknown.size() == 1 ? "no row has this name: " : "no rows have these names: ") +
              batch::Listed(unknown));
}

}  // namespace imagebatch::rows
