#include "rows/config_maps.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "batch/expand.h"

namespace imagebatch::rows {
namespace {

// What an API server takes for a ConfigMap, less its names and other fields
constexpr size_t kMostBytes = (size_t{1} << 20U) - 2048;
constexpr size_t kMostConfigMaps = 64;
constexpr std::string_view kIndent = "    ";

/// YAML 1.1 takes some of the characters beyond ASCII for line ends, or for none at all.
bool IsPrintable(std::string_view character) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(character[i]); };
  if (character.size() == 1) return byte(0) >= 0x20 && byte(0) != 0x7F;
  if (character.size() == 2) return byte(0) != 0xC2 || byte(1) >= 0xA0;  // U+0080 to U+009F
  if (character.size() == 3 && byte(0) == 0xE2 && byte(1) == 0x80) return byte(2) != 0xA8 && byte(2) != 0xA9;
  return character.size() != 3 || byte(0) != 0xEF || byte(1) < 0xBB;  // U+FEFF and U+FFF0 on
}

/// `json` with all characters escaped that a literal block of YAML may not have.
std::string Escaped(const std::string& json) {
  std::string out;
  for (size_t at = 0; at < json.size();) {
    const size_t length = Utf8Length(json, at);
    const std::string_view character = std::string_view(json).substr(at, length);
    if (length == 0 || IsPrintable(character)) {
      out += character;
    } else {
      const std::string escaped = nlohmann::json(character).dump(-1, ' ', true);
      out.append(escaped, 1, escaped.size() - 2);
    }
    at += std::max<size_t>(length, 1);
  }
  return out;
}

std::string Quoted(std::string_view text) { return Escaped(nlohmann::json(text).dump()); }

/// What a line costs, whichever way the object is written.
size_t Cost(const std::string& line) {
  size_t cost = line.size() + kIndent.size() + 2;
  for (const char c : line) {
    if (c == '"' || c == '\\') ++cost;
  }
  return cost;
}

std::string Document(const std::string& body, const std::string& name, const std::string& ns) {
  std::string out = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: " + name + "\n";
  if (!ns.empty()) out += "  namespace: " + ns + "\n";
  return out + "immutable: true\ndata:\n  " + kRowsKey + ": |\n" + body;
}

}  // namespace

std::string JsonLine(const Record& record) {
  std::string line = "{";
  for (const Value& value : record.values) {
    if (value.other) continue;
    if (line.size() > 1) line += ", ";
    line += Quoted(value.column) + ": " + (value.quoted ? Quoted(value.text) : value.text);
  }
  return line + "}";
}

Result<std::vector<std::string>> MakeConfigMaps(const std::vector<std::string>& lines,
                                                const std::string& name, const std::string& ns) {
  if (lines.size() > batch::kMaxBuilds) {
    return Fail("there are " + std::to_string(lines.size()) + " rows, and a batch takes at most " +
                std::to_string(batch::kMaxBuilds) + "; use --select");
  }
  std::vector<std::string> documents;
  std::string body;
  size_t cost = 0;
  const auto end_document = [&] {
    const std::string number = std::to_string(documents.size() + 1);
    documents.push_back(Document(body, name + "-" + number, ns));
    body.clear();
    cost = 0;
  };
  for (size_t i = 0; i < lines.size(); ++i) {
    const size_t more = Cost(lines[i]);
    if (more > kMostBytes) {
      return Fail("row " + std::to_string(i + 1) + " has " + std::to_string(lines[i].size()) +
                  " bytes, which no ConfigMap can hold; choose its columns with --columns or --for");
    }
    if (cost + more > kMostBytes) end_document();
    body.append(kIndent).append(lines[i]).append("\n");
    cost += more;
  }
  if (!body.empty()) end_document();
  if (documents.size() > kMostConfigMaps) {
    return Fail("the rows need " + std::to_string(documents.size()) +
                " ConfigMaps, and a batch takes at most " + std::to_string(kMostConfigMaps) +
                "; choose columns with --columns or --for");
  }
  return documents;
}

}  // namespace imagebatch::rows
