#include "rows/records.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "document/flat_object.h"
#include "document/source_text.h"

namespace imagebatch::rows {
namespace {

using batch::Held;

constexpr std::string_view kBom = "\xEF\xBB\xBF", kBlanks = " \t\r\n";

class RecordEvents final : public document::FlatObject {
 public:
  RecordEvents(Record& record, const Columns& columns) : record_(record), columns_(columns) {}

 private:
  std::string Name(std::string_view name) override {
    if (!names_.emplace(name).second) return "duplicate column " + Quote(name);
    kept_ = !columns_ || columns_->contains(name);
    if (kept_) record_.values.push_back({std::string(name), "", true, std::nullopt});
    return "";
  }
  void Scalar(std::string_view value, Spelled spelled) override {
    if (!kept_) return;
    record_.values.back().text = value;
    record_.values.back().quoted = spelled == Spelled::Text;
  }
  void NoScalar(Other other) override {
    if (!kept_) return;
    record_.values.back().other = other == Other::Null   ? Held::Null
                                  : other == Other::List ? Held::List
                                                         : Held::Object;
  }

  Record& record_;
  const Columns& columns_;
  std::set<std::string, std::less<>> names_;
  bool kept_ = false;
};

bool IsBlank(std::string_view text) { return text.find_first_not_of(kBlanks) == std::string_view::npos; }

Result<std::vector<Record>> ReadLines(std::string_view text, const std::string& file,
                                      const Columns& columns) {
  std::vector<Record> records;
  std::string_view rest = text;
  for (size_t number = 1; !rest.empty(); ++number) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    if (IsBlank(line)) continue;
    const std::string origin = file + " line " + std::to_string(number);
    auto record = ReadRecord(line, line, origin, columns);
    if (!record) {
      // the line alone was parsed: its place is that within the line
      constexpr std::string_view kHead = "line 1, column ";
      std::string message = record.error().message.substr(origin.size() + 2);
      if (message.starts_with(kHead)) message = "column " + message.substr(kHead.size());
      return Fail(origin + ": " + message);
    }
    records.push_back(std::move(*record));
  }
  return records;
}

/// Cuts the elements out of an array, so that each is read by itself. Only brackets and strings count here;
/// whether all is right within them, the element's own reading tells.
class ArrayCutter {
 public:
  explicit ArrayCutter(std::string_view text) : text_(text) { Skip(); }

  bool Begins() { return Take('['); }
  /// The next element; nothing at the end of the array, or where there is none.
  std::optional<std::string_view> Next() {
    if (at_ >= text_.size() || text_[at_] == ']') return std::nullopt;
    const size_t begin = at_;
    size_t depth = 0;
    for (bool in_string = false; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (in_string) {
        if (c == '\\') ++at_;
        if (c == '"') in_string = false;
      } else if (c == '"') {
        in_string = true;
      } else if (c == '{' || c == '[') {
        ++depth;
      } else if (depth == 0 && (c == ',' || c == ']')) {
        break;
      } else if (c == '}' || c == ']') {
        if (depth == 0) break;
        --depth;
      }
    }
    at_ = std::min(at_, text_.size());
    const std::string_view element = text_.substr(begin, at_ - begin);
    return element;
  }
  bool TakeComma() { return Take(','); }
  bool Ends() { return Take(']') && at_ == text_.size(); }
  std::string Place() const { return document::Position(text_, at_); }
  size_t Line(std::string_view element) const {
    const auto before = text_.substr(0, static_cast<size_t>(element.data() - text_.data()));
    return line_of_counted_ += static_cast<size_t>(
               std::count(before.begin() + static_cast<ptrdiff_t>(std::exchange(counted_, before.size())),
                          before.end(), '\n'));
  }

 private:
  bool Take(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    Skip();
    return true;
  }
  void Skip() {
    while (at_ < text_.size() && kBlanks.find(text_[at_]) != std::string_view::npos) ++at_;
  }

  std::string_view text_;
  size_t at_ = 0;
  mutable size_t counted_ = 0, line_of_counted_ = 1;  // lines are counted once, from one element to the next
};

Result<std::vector<Record>> ReadArray(std::string_view text, const std::string& file,
                                      const Columns& columns) {
  ArrayCutter cutter(text);
  std::vector<Record> records;
  const auto fail = [&](const std::string& what) { return Fail(file + " " + cutter.Place() + ": " + what); };
  if (!cutter.Begins()) return fail("expected one array of objects, which begins with [");
  while (const auto element = cutter.Next()) {
    auto record =
        ReadRecord(*element, text, file + " line " + std::to_string(cutter.Line(*element)), columns);
    if (!record) return tl::unexpected(record.error());
    records.push_back(std::move(*record));
    if (!cutter.TakeComma()) break;
  }
  if (!cutter.Ends()) return fail("expected , or the ] that ends the array, and nothing after it");
  return records;
}

std::string_view EndOf(std::string_view file) {
  const size_t dot = file.rfind('.');
  return dot == std::string_view::npos ? "" : file.substr(dot);
}

}  // namespace

const Value* Record::Find(std::string_view column) const {
  const auto found =
      std::find_if(values.begin(), values.end(), [&](const Value& value) { return value.column == column; });
  return found == values.end() ? nullptr : &*found;
}

std::optional<Format> FormatOf(std::string_view file, std::string_view text) {
  const std::string_view end = EndOf(file);
  if (end == ".jsonl" || end == ".ndjson") return Format::JsonLines;
  if (end == ".yaml" || end == ".yml") return Format::Yaml;
  if (end == ".csv") return Format::Csv;
  if (text.starts_with(kBom)) text.remove_prefix(kBom.size());
  const size_t first = text.find_first_not_of(kBlanks);
  if (first != std::string_view::npos && text[first] == '[') return Format::Json;
  if (first != std::string_view::npos && text[first] == '{') return Format::JsonLines;
  return end == ".json" ? std::optional(Format::Json) : std::nullopt;
}

Result<std::vector<Record>> ReadRecords(std::string_view text, Format format, const std::string& file,
                                        const Columns& columns) {
  if (const auto checked = document::CheckText(text, text.size()); !checked)
    return Fail(file + " " + checked.error().message);
  if (text.starts_with(kBom)) text.remove_prefix(kBom.size());
  switch (format) {
    case Format::JsonLines:
      return ReadLines(text, file, columns);
    case Format::Json:
      return ReadArray(text, file, columns);
    case Format::Yaml:
      return ReadYamlRecords(text, file, columns);
    case Format::Csv:
      return ReadCsv(text, file, columns);
  }
  return Fail("unknown format");
}

Result<Record> ReadRecord(std::string_view object, std::string_view whole, std::string origin,
                          const Columns& columns) {
  Record record{std::move(origin), {}};
  RecordEvents events(record, columns);
  if (!events.Parse(object, whole)) return Fail(record.origin + ": " + events.error());
  return record;
}

}  // namespace imagebatch::rows
