#pragma once
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "batch/rows.h"

/// Rows as people have them, on their way into a batch.
namespace imagebatch::rows {

/// What a column of one row holds.
struct Value {
  std::string column;
  std::string text;                  // as it was written: 4.10, not 4.1
  bool quoted = true;                // a string in JSON; else a number or a boolean
  std::optional<batch::Held> other;  // no text, but this
};

struct Record {
  std::string origin;  // "rows.jsonl line 7"
  std::vector<Value> values;

  const Value* Find(std::string_view column) const;
};

/// The columns that are asked for; nothing: all of them.
using Columns = std::optional<std::set<std::string, std::less<>>>;

enum class Format { JsonLines, Json, Yaml, Csv };

/// By the end of its name (.jsonl, .ndjson, .json, .yaml, .yml, .csv), or by how the text begins: many call
/// JSON Lines .json. Nothing where neither tells.
std::optional<Format> FormatOf(std::string_view file, std::string_view text);

/// The rows of a text, of each only the `columns`. `file` is for messages. A byte order mark and CR LF are
/// tolerated. Fails with "FILE line 7: what is wrong": no UTF-8, no object, a column twice in one row, JSON
/// that is none (NaN, lone surrogates), CSV whose quotes or fields do not fit (RFC 4180). JSON Lines: an
/// object on each line that is not blank. JSON: one array of objects. YAML: one list of mappings, of at most
/// 16 MiB; what it says of a fraction or a boolean is not as it was written (4.10, yes), so these are no
/// text. CSV: names of columns in the first line; all values are texts; blank lines are left out.
Result<std::vector<Record>> ReadRecords(std::string_view text, Format format, const std::string& file,
                                        const Columns& columns);

/// One JSON object, which is a part of `whole`: the place of an error is that within `whole`.
Result<Record> ReadRecord(std::string_view object, std::string_view whole, std::string origin,
                          const Columns& columns);

// The formats that have a file of their own; their texts have no byte order mark.
Result<std::vector<Record>> ReadCsv(std::string_view text, const std::string& file, const Columns& columns);
Result<std::vector<Record>> ReadYamlRecords(std::string_view text, const std::string& file,
                                            const Columns& columns);

}  // namespace imagebatch::rows
