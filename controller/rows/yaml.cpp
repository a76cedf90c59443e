#include <utility>

#include "base/text.h"
#include "document/read.h"
#include "rows/records.h"

namespace imagebatch::rows {
namespace {

using batch::Held;
using nlohmann::json;

// The place of each value is kept, which costs several times as much as the text
constexpr size_t kMostBytes = size_t{16} << 20U;

Value ValueOf(const std::string& column, const json& value) {
  Value read{column, "", true, std::nullopt};
  if (value.is_string()) {
    read.text = value.get<std::string>();
  } else if (value.is_number_integer()) {
    read.text = value.dump();
    read.quoted = false;
  } else {
    read.other = value.is_number_float() ? Held::Fraction
                 : value.is_boolean()    ? Held::Boolean
                 : value.is_null()       ? Held::Null
                 : value.is_array()      ? Held::List
                                         : Held::Object;
  }
  return read;
}

}  // namespace

Result<std::vector<Record>> ReadYamlRecords(std::string_view text, const std::string& file,
                                            const Columns& columns) {
  const auto documents = document::ReadYamlDocuments(text, kMostBytes);
  if (!documents) return Fail(file + " " + documents.error().message);
  std::vector<Record> records;
  if (documents->empty()) return records;
  const auto line = [&](const document::PlacedDocument& document, const std::string& path) {
    return file + " line " + std::to_string(document.PlaceOf(path).line);
  };
  if (documents->size() > 1)
    return Fail(line((*documents)[1], "") + ": a second document; put all rows into one list");
  const document::PlacedDocument& document = documents->front();
  if (!document.value.is_array())
    return Fail(line(document, "") + ": expected one list, with a mapping for each row");
  for (size_t i = 0; i < document.value.size(); ++i) {
    Record record{line(document, "[" + std::to_string(i) + "]"), {}};
    const json& row = document.value[i];
    if (!row.is_object()) return Fail(record.origin + ": the row is not a mapping");
    for (const auto& [name, value] : row.items()) {
      if (!columns || columns->contains(name)) record.values.push_back(ValueOf(name, value));
    }
    records.push_back(std::move(record));
  }
  return records;
}

}  // namespace imagebatch::rows
