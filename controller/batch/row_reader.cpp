#include <algorithm>
#include <utility>

#include "base/text.h"
#include "batch/expand.h"
#include "batch/names.h"
#include "batch/problems.h"
#include "batch/read.h"
#include "document/json_reader.h"
#include "document/source_text.h"

namespace imagebatch::batch {
namespace {

using nlohmann::json;

std::string ColumnNameProblem(std::string_view name) {
  if (IsColumnName(name)) return "";
  return "column name " + Quote(name) + " must be a letter or _, then letters, digits, _ . -";
}

/// One line: an object of scalars, put together in `rows`. Numbers keep their spelling, which a value would
/// lose (4.10 is not 4.1).
class RowEvents final : public document::JsonEvents {
 public:
  explicit RowEvents(Rows& rows) : rows_(rows) { rows_.BeginRow(); }

  bool null() override { return Reject("null"); }
  bool boolean(bool value) override { return Set(value ? "true" : "false"); }
  bool number_integer(number_integer_t value) override {
    return Set(value == 0 ? "-0" : std::to_string(value));  // only a number with a sign comes here
  }
  bool number_unsigned(number_unsigned_t value) override { return Set(std::to_string(value)); }
  bool number_float(number_float_t, const string_t& written) override { return Set(written); }
  bool string(string_t& value) override { return Set(value); }
  bool start_object(size_t) override {
    if (open_) return Reject("an object");
    open_ = true;
    return true;
  }
  bool key(string_t& name) override {
    if (std::string problem = ColumnNameProblem(name); !problem.empty()) return Refuse(std::move(problem));
    if (rows_.columns_begun() == kMaxColumns)
      return Refuse("has more than " + std::to_string(kMaxColumns) + " columns");
    if (!rows_.BeginColumn(name)) return Refuse("duplicate column " + Quote(name));
    column_ = name;
    return true;
  }
  bool end_object() override { return true; }
  bool start_array(size_t) override { return Reject("an array"); }
  bool end_array() override { return true; }

 private:
  bool Set(std::string_view value) {
    if (!open_) return Reject("");
    rows_.SetValue(value);
    return true;
  }
  bool Reject(std::string_view kind) {
    if (!open_) return Refuse("the row is not an object");
    return Refuse("column " + Quote(column_) + " is " + std::string(kind) +
                  "; a row may contain only strings, numbers and booleans");
  }

  Rows& rows_;
  bool open_ = false;
  std::string column_;
};

/// What is wrong with an inline row, nothing where all is well; then it is put together in `rows`.
std::string ReadInlineRow(const json& row, Rows& rows) {
  if (!row.is_object()) return "the row is not an object";
  rows.BeginRow();
  for (const auto& [name, value] : row.items()) {
    if (std::string problem = ColumnNameProblem(name); !problem.empty()) return problem;
    const std::string column = "column " + Quote(name);
    rows.BeginColumn(name);
    if (value.is_string()) {
      rows.SetValue(value.get_ref<const std::string&>());
    } else if (value.is_number_integer()) {
      rows.SetValue(value.dump());
    } else if (value.is_number_float() || value.is_boolean()) {
      // YAML has already read 4.10 as 4.1 and yes as true: what was written is lost
      return column + " is " + (value.is_boolean() ? "a boolean" : "a number with a fraction") +
             "; put it in quotes to keep it as written";
    } else {
      return column + " is " +
             (value.is_object()  ? "an object"
              : value.is_array() ? "an array"
                                 : "null") +
             "; an inline row may contain only strings and integers";
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

bool IsBlank(std::string_view line) { return line.find_first_not_of(" \t\r") == std::string_view::npos; }

/// Takes the first line off `text`.
std::string_view TakeLine(std::string_view& text) {
  const std::string_view line = text.substr(0, text.find('\n'));
  text.remove_prefix(std::min(line.size() + 1, text.size()));
  return line;
}

/// Lines that are not blank.
size_t CountLines(std::string_view text) {
  size_t count = 0;
  while (!text.empty()) {
    if (!IsBlank(TakeLine(text))) ++count;
  }
  return count;
}

}  // namespace

void ReadInlineRows(const Images& images, Rows& rows, std::vector<Problem>& problems) {
  const RowSource source{"spec.images.rows[", "]"};
  rows.Begin(source);
  Problems found("spec.images.rows");
  for (size_t i = 0; i < images.rows.size(); ++i) {
    if (std::string problem = ReadInlineRow(images.rows[i], rows); !problem.empty()) {
      found.Add(source.Origin(i), std::move(problem));
    } else {
      rows.AddRow(static_cast<uint32_t>(i));
    }
  }
  Append(found, problems);
}

void ReadRowLines(std::string_view text, const ConfigMapKey& config_map, Rows& rows,
                  std::vector<Problem>& problems) {
  const std::string name = "ConfigMap " + config_map.name + "/" + config_map.key;
  const RowSource source{name + " line ", ""};
  rows.Begin(source);
  Problems found(name);
  // What is read beyond the first problems or the limits costs as much as the rest, and changes nothing
  for (uint32_t number = 1; !text.empty() && !found.Full() && rows.size() <= kMaxBuilds; ++number) {
    const std::string_view line = TakeLine(text);
    if (IsBlank(line)) continue;
    RowEvents events(rows);
    if (const auto checked = document::CheckText(line, line.size()); !checked) {
      found.Add(source.Origin(number), WithinLine(checked.error().message));
    } else if (!events.Parse(line)) {
      found.Add(source.Origin(number), WithinLine(events.error()));
    } else {
      rows.AddRow(number);
    }
    if (rows.values() > kMaxValues) {
      found.Add(rows.Origin(rows.size() - 1),
                "the rows have more than " + std::to_string(kMaxValues) + " values in all");
      break;
    }
  }
  const bool full = found.Full();
  Append(found, problems);
  if (const size_t unread = full ? CountLines(text) : 0; unread > 0) {
    problems.push_back(
        {name, std::to_string(unread) + " more " + (unread == 1 ? "line was" : "lines were") + " not read"});
  }
}

}  // namespace imagebatch::batch
