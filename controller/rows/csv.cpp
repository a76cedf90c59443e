#include <algorithm>
#include <utility>

#include "base/text.h"
#include "rows/records.h"

namespace imagebatch::rows {
namespace {

/// One record of CSV after another, as RFC 4180 has it; lines may end in LF alone.
class CsvReader {
 public:
  explicit CsvReader(std::string_view text) : text_(text) {}

  bool AtEnd() const { return at_ == text_.size(); }
  size_t line() const { return line_; }

  /// The fields of the next record, none where its line is blank.
  Result<std::vector<std::string>> Next() {
    std::vector<std::string> fields;
    if (TakeLineEnd()) return fields;
    while (true) {
      auto field = Peek() == '"' ? Quoted() : Plain();
      if (!field) return tl::unexpected(field.error());
      fields.push_back(std::move(*field));
      if (AtEnd() || TakeLineEnd()) return fields;
      ++at_;  // the comma
    }
  }

 private:
  char Peek() const { return AtEnd() ? '\0' : text_[at_]; }
  bool AtLineEnd() const { return AtEnd() || text_[at_] == '\n' || text_.substr(at_).starts_with("\r\n"); }
  bool TakeLineEnd() {
    if (AtEnd() || !AtLineEnd()) return false;
    at_ += text_[at_] == '\n' ? size_t{1} : size_t{2};
    ++line_;
    return true;
  }

  Result<std::string> Plain() {
    const size_t begin = at_;
    for (; !AtLineEnd() && text_[at_] != ','; ++at_) {
      if (text_[at_] == '"') {
        return Fail(" line " + std::to_string(line_) +
                    ": a quote stands within a field; put the whole field in quotes, and double the quote");
      }
    }
    return std::string(text_.substr(begin, at_ - begin));
  }

  Result<std::string> Quoted() {
    const size_t first_line = line_;
    std::string field;
    for (++at_;; ++at_) {
      if (AtEnd()) {
        return Fail(" line " + std::to_string(first_line) + ": the quote that begins here is never closed");
      }
      if (text_[at_] == '\n') ++line_;
      if (text_[at_] != '"') {
        field += text_[at_];
      } else if (text_.substr(at_).starts_with("\"\"")) {
        field += text_[at_++];
      } else {
        break;
      }
    }
    ++at_;
    if (AtLineEnd() || text_[at_] == ',') return field;
    return Fail(" line " + std::to_string(line_) +
                ": text follows the quote that closes a field; double a quote that is within one");
  }

  std::string_view text_;
  size_t at_ = 0, line_ = 1;
};

/// What is wrong with the names of the columns; nothing where all is well.
std::string HeaderProblem(const std::vector<std::string>& names) {
  for (size_t i = 0; i < names.size(); ++i) {
    if (std::find(names.begin(), names.begin() + static_cast<ptrdiff_t>(i), names[i]) !=
        names.begin() + static_cast<ptrdiff_t>(i)) {
      return "duplicate column " + Quote(names[i]);
    }
  }
  return "";
}

}  // namespace

Result<std::vector<Record>> ReadCsv(std::string_view text, const std::string& file, const Columns& columns) {
  CsvReader reader(text);
  std::vector<Record> records;
  std::vector<std::string> names;
  while (!reader.AtEnd()) {
    const std::string origin = file + " line " + std::to_string(reader.line());
    auto fields = reader.Next();
    if (!fields) return Fail(file + fields.error().message);
    if (fields->empty()) continue;
    if (names.empty()) {
      names = std::move(*fields);
      if (const std::string problem = HeaderProblem(names); !problem.empty())
        return Fail(origin + ": " + problem);
      continue;
    }
    if (fields->size() != names.size()) {
      return Fail(origin + ": has " + std::to_string(fields->size()) + " fields, but the first line names " +
                  std::to_string(names.size()) + " columns");
    }
    Record record{origin, {}};
    for (size_t i = 0; i < names.size(); ++i) {
      if (columns && !columns->contains(names[i])) continue;
      record.values.push_back({names[i], std::move((*fields)[i]), true, std::nullopt});
    }
    records.push_back(std::move(record));
  }
  return records;
}

}  // namespace imagebatch::rows
