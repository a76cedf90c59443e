#include <algorithm>
#include <utility>

#include "base/text.h"
#include "batch/expand.h"
#include "batch/problems.h"
#include "batch/read.h"
#include "document/flat_object.h"
#include "document/source_text.h"

namespace imagebatch::batch {
namespace {

using nlohmann::json;

/// One line, put together in `rows`.
class RowEvents final : public document::FlatObject {
 public:
  explicit RowEvents(Rows& rows) : rows_(rows) { rows_.BeginRow(); }

 private:
  std::string Name(std::string_view name) override {
    if (rows_.columns_begun() == kMaxColumns)
      return "has more than " + std::to_string(kMaxColumns) + " columns";
    return rows_.BeginColumn(name) ? "" : "duplicate column " + Quote(name);
  }
  void Scalar(std::string_view value, Spelled) override { rows_.SetValue(value); }
  void NoScalar(Other other) override {
    rows_.SetOther(other == Other::Null ? Held::Null : other == Other::List ? Held::List : Held::Object);
  }

  Rows& rows_;
};

/// What is wrong with an inline row, nothing where all is well; then it is put together in `rows`.
std::string ReadInlineRow(const json& row, Rows& rows) {
  if (!row.is_object()) return "the row is not an object";
  rows.BeginRow();
  for (const auto& [name, value] : row.items()) {
    if (rows.columns_begun() == kMaxColumns)
      return "has more than " + std::to_string(kMaxColumns) + " columns";
    rows.BeginColumn(name);
    if (value.is_string()) {
      rows.SetValue(value.get_ref<const std::string&>());
    } else if (value.is_number_integer()) {
      rows.SetValue(value.dump());
    } else {
      // YAML has already read 4.10 as 4.1 and yes as true: what was written is lost
      rows.SetOther(value.is_number_float() ? Held::Fraction
                    : value.is_boolean()    ? Held::Boolean
                    : value.is_null()       ? Held::Null
                    : value.is_array()      ? Held::List
                                            : Held::Object);
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

Result<std::vector<std::string>> ReadNames(std::string_view text) {
  if (const auto checked = document::CheckText(text, text.size()); !checked)
    return Fail(checked.error().message);
  constexpr std::string_view kBom = "\xEF\xBB\xBF", kSpace = " \t\r";
  if (text.starts_with(kBom)) text.remove_prefix(kBom.size());
  std::vector<std::string> names;
  while (!text.empty()) {
    std::string_view line = TakeLine(text);
    if (IsBlank(line)) continue;
    line.remove_prefix(line.find_first_not_of(kSpace));
    names.emplace_back(line.substr(0, line.find_last_not_of(kSpace) + 1));
  }
  if (names.empty()) return Fail("has no names; give one on each line");
  return names;
}

void ReadSource(const Images& images, size_t index, std::string_view text, Rows& rows,
                std::vector<std::string>& listed, std::vector<Problem>& problems) {
  if (index < images.config_maps.size()) return ReadRowLines(text, images.config_maps[index], rows, problems);
  if (auto names = ReadNames(text)) {
    listed = std::move(*names);
  } else {
    const ConfigMapKey& source = *images.select->config_map;
    problems.push_back({"ConfigMap " + source.name + "/" + source.key, names.error().message});
  }
}

}  // namespace imagebatch::batch
