// Rows that people hand in, in any of the formats: what is read comes out as JSON Lines that mean the same.
#include <string>

#include "fuzz/fuzz.h"
#include "rows/config_maps.h"
#include "rows/records.h"

using namespace imagebatch;

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  constexpr rows::Format kFormats[] = {rows::Format::JsonLines, rows::Format::Json, rows::Format::Yaml,
                                       rows::Format::Csv};
  const rows::Format format = kFormats[*data % 4];
  const auto records = rows::ReadRecords(fuzz::Text(data + 1, size - 1), format, "f", std::nullopt);
  if (!records) {
    fuzz::Expect(records.error().message.starts_with("f line "), "each error has its line");
    return 0;
  }
  for (const rows::Record& record : *records) {
    const std::string line = rows::JsonLine(record);
    fuzz::Expect(line.find('\n') == std::string::npos, "a record is one line");
    const auto again = rows::ReadRecord(line, line, "again", std::nullopt);
    fuzz::Expect(again.has_value(), "a line is read back");
    for (const rows::Value& value : record.values) {
      const rows::Value* found = again->Find(value.column);
      fuzz::Expect(value.other ? found == nullptr : found != nullptr && found->text == value.text,
                   "with the same texts");
    }
  }
  return 0;
}
