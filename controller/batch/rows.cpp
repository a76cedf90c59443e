#include <algorithm>
#include <utility>

#include "batch/json_reader.h"
#include "batch/names.h"
#include "batch/problems.h"
#include "batch/read.h"
#include "batch/source_text.h"

namespace imagebatch::batch {
namespace {

using nlohmann::json;
using Columns = std::map<std::string, std::string>;

std::string ColumnNameProblem(std::string_view name) {
  if (IsColumnName(name)) return "";
  return "column name " + Quote(name) + " must be a letter or _, then letters, digits, _ . -";
}

/// One line: an object of scalars. Numbers keep their spelling, which a value would lose (4.10 is not 4.1).
class RowEvents final : public JsonEvents {
 public:
  bool null() override { return Reject("null"); }
  bool boolean(bool value) override { return Set(value ? "true" : "false"); }
  bool number_integer(number_integer_t value) override {
    return Set(value == 0 ? "-0" : std::to_string(value));  // only a number with a sign comes here
  }
  bool number_unsigned(number_unsigned_t value) override { return Set(std::to_string(value)); }
  bool number_float(number_float_t, const string_t& written) override { return Set(written); }
  bool string(string_t& value) override { return Set(std::move(value)); }
  bool start_object(size_t) override {
    if (open_) return Reject("an object");
    open_ = true;
    return true;
  }
  bool key(string_t& name) override {
    if (std::string problem = ColumnNameProblem(name); !problem.empty()) return Refuse(std::move(problem));
    if (columns_.contains(name)) return Refuse("duplicate column " + Quote(name));
    column_ = std::move(name);
    return true;
  }
  bool end_object() override { return true; }
  bool start_array(size_t) override { return Reject("an array"); }
  bool end_array() override { return true; }

  Columns Take() { return std::move(columns_); }

 private:
  bool Set(std::string value) {
    if (!open_) return Reject("");
    columns_.insert_or_assign(std::move(column_), std::move(value));
    return true;
  }
  bool Reject(std::string_view kind) {
    if (!open_) return Refuse("the row is not an object");
    return Refuse("column " + Quote(column_) + " is " + std::string(kind) +
                  "; a row holds strings, numbers and booleans only");
  }

  bool open_ = false;
  std::string column_;
  Columns columns_;
};

/// What is wrong with an inline row, nothing where all is well; then `columns` holds it.
std::string ReadInlineRow(const json& row, Columns& columns) {
  if (!row.is_object()) return "the row is not an object";
  for (const auto& [name, value] : row.items()) {
    if (std::string problem = ColumnNameProblem(name); !problem.empty()) return problem;
    const std::string column = "column " + Quote(name);
    if (value.is_string()) {
      columns[name] = value.get<std::string>();
    } else if (value.is_number_integer()) {
      columns[name] = value.dump();
    } else if (value.is_number_float() || value.is_boolean()) {
      // YAML has already read 4.10 as 4.1 and yes as true: what was written is lost
      return column + " is " + (value.is_boolean() ? "a boolean" : "a number with a fraction") +
             "; put it in quotes to keep it as it is written";
    } else {
      return column + " is " +
             (value.is_object()  ? "an object"
              : value.is_array() ? "an array"
                                 : "null") +
             "; an inline row holds strings and integers only";
    }
  }
  return "";
}

/// A line of a ConfigMap is parsed alone: "line 1, column 9: ..." of it becomes "byte 9: ...".
std::string WithinLine(const std::string& message) {
  constexpr std::string_view kHead = "line 1, column ";
  return message.starts_with(kHead) ? "byte " + message.substr(kHead.size()) : message;
}

void Append(Problems& found, std::vector<Problem>& problems) {
  for (Problem& problem : found.Take()) problems.push_back(std::move(problem));
}

}  // namespace

void ReadInlineRows(const Images& images, std::vector<Row>& rows, std::vector<Problem>& problems) {
  Problems found("spec.images.rows");
  for (size_t i = 0; i < images.rows.size(); ++i) {
    Row row;
    row.origin = "spec.images.rows[" + std::to_string(i) + "]";
    if (std::string problem = ReadInlineRow(images.rows[i], row.columns); !problem.empty()) {
      found.Add(row.origin, std::move(problem));
    } else {
      rows.push_back(std::move(row));
    }
  }
  Append(found, problems);
}

void ReadRowLines(std::string_view text, const ConfigMapKey& source, std::vector<Row>& rows,
                  std::vector<Problem>& problems) {
  const std::string name = "ConfigMap " + source.name + "/" + source.key;
  Problems found(name);
  for (size_t number = 1; !text.empty(); ++number) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    Row row;
    row.origin = name + " line " + std::to_string(number);
    RowEvents events;
    if (const auto checked = CheckText(line, line.size()); !checked) {
      found.Add(row.origin, WithinLine(checked.error().message));
    } else if (!events.Parse(line)) {
      found.Add(row.origin, WithinLine(events.error()));
    } else {
      row.columns = events.Take();
      rows.push_back(std::move(row));
    }
  }
  Append(found, problems);
}

}  // namespace imagebatch::batch
