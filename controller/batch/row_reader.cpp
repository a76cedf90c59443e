#include <algorithm>
#include <utility>

#include "base/text.h"
#include "batch/expand.h"
#include "batch/problems.h"
#include "batch/read.h"
#include "document/json_reader.h"
#include "document/source_text.h"

namespace imagebatch::batch {
namespace {

using nlohmann::json;

/// One line: an object, put together in `rows`. Numbers keep their spelling, which a value would lose (4.10
/// is not 4.1). What is within a list or an object is of no interest.
class RowEvents final : public document::JsonEvents {
 public:
  explicit RowEvents(Rows& rows) : rows_(rows) { rows_.BeginRow(); }

  bool null() override { return Set(Held::Null); }
  bool boolean(bool value) override { return Set(value ? "true" : "false"); }
  bool number_integer(number_integer_t value) override {
    return Set(value == 0 ? "-0" : std::to_string(value));  // only a number with a sign comes here
  }
  bool number_unsigned(number_unsigned_t value) override { return Set(std::to_string(value)); }
  bool number_float(number_float_t, const string_t& written) override { return Set(written); }
  bool string(string_t& value) override { return Set(value); }
  bool start_object(size_t) override { return depth_ == 0 ? Open() : Set(Held::Object) && Open(); }
  bool key(string_t& name) override {
    if (depth_ > 1) return true;
    if (rows_.columns_begun() == kMaxColumns)
      return Refuse("has more than " + std::to_string(kMaxColumns) + " columns");
    return rows_.BeginColumn(name) || Refuse("duplicate column " + Quote(name));
  }
  bool end_object() override { return Close(); }
  bool start_array(size_t) override { return Set(Held::List) && Open(); }
  bool end_array() override { return Close(); }

 private:
  bool Open() {
    ++depth_;
    return true;
  }
  bool Close() {
    --depth_;
    return true;
  }
  bool Set(std::string_view value) {
    if (depth_ == 0) return Refuse("the row is not an object");
    if (depth_ == 1) rows_.SetValue(value);
    return true;
  }
  bool Set(Held held) {
    if (depth_ == 0) return Refuse("the row is not an object");
    if (depth_ == 1) rows_.SetOther(held);
    return true;
  }

  Rows& rows_;
  size_t depth_ = 0;  // of objects and lists that are open; 1 in the row itself
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

std::string NameOf(const ConfigMapKey& source) { return "ConfigMap " + source.name + "/" + source.key; }

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
  const std::string name = NameOf(config_map);
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

void ReadNames(std::string_view text, const ConfigMapKey& config_map, std::vector<std::string>& names,
               std::vector<Problem>& problems) {
  const size_t before = names.size();
  if (const auto checked = document::CheckText(text, text.size()); !checked) {
    problems.push_back({NameOf(config_map), checked.error().message});
    return;
  }
  constexpr std::string_view kBom = "\xEF\xBB\xBF", kSpace = " \t\r";
  if (text.starts_with(kBom)) text.remove_prefix(kBom.size());
  while (!text.empty()) {
    std::string_view line = TakeLine(text);
    if (IsBlank(line)) continue;
    line.remove_prefix(line.find_first_not_of(kSpace));
    names.emplace_back(line.substr(0, line.find_last_not_of(kSpace) + 1));
  }
  if (names.size() == before) {
    problems.push_back({NameOf(config_map), "has no names; give one on each line, or remove select"});
  }
}

}  // namespace imagebatch::batch
