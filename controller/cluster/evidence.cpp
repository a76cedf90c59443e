#include "cluster/evidence.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "cluster/hang_classes.h"
#include "cluster/names.h"

namespace imagebatch::cluster {
namespace {

using nlohmann::json;

constexpr std::string_view kMarker = "{\"imagebatch\":";
constexpr size_t kLineLimit = 64 * 1024;  // the runner's own limit is 8 KiB

std::string Text(const json& object, const char* key, size_t limit) {
  const auto at = object.find(key);
  return at != object.end() && at->is_string() ? Printable(at->get_ref<const std::string&>(), limit)
                                               : std::string();
}

}  // namespace

std::optional<HangVerdict> FindVerdict(std::string_view log) {
  std::optional<HangVerdict> verdict;
  while (!log.empty()) {
    const std::string_view line = log.substr(0, log.find('\n'));
    log.remove_prefix(std::min(log.size(), line.size() + 1));
    if (!line.starts_with(kMarker) || line.size() > kLineLimit) continue;
    const json object = json::parse(line, nullptr, false);
    if (!object.is_object()) continue;
    const std::string said = Text(object, "verdict", 40), klass = Text(object, "class", 40);
    if (said == "Progressing") verdict.reset();
    // A class becomes the reason of a condition and a label of metrics: never just what a line says
    const bool known = std::find(kRunnerClasses.begin(), kRunnerClasses.end(), klass) != kRunnerClasses.end();
    if (said != "Hung" || !known) continue;
    const auto since = ParseTime(Text(object, "since", 40));
    if (since) verdict = HangVerdict{klass, Text(object, "message", 512), *since, Sha256(line)};
  }
  return verdict;
}

}  // namespace imagebatch::cluster
