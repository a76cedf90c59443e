#include "cluster/objects/log_lines.h"

#include <algorithm>
#include <vector>

#include "base/mask.h"
#include "base/text.h"
#include "cluster/objects/names.h"

namespace imagebatch::cluster {
namespace {

constexpr size_t kRefusalBytes = size_t{64} * 1024;  // room for a reply that says why there is no log

void Hide(std::string& text, std::string_view secret) {
  constexpr std::string_view kHidden = "***";
  if (secret.empty()) return;
  for (size_t at = 0; (at = text.find(secret, at)) != std::string::npos; at += kHidden.size()) {
    text.replace(at, secret.size(), kHidden);
  }
}

}  // namespace

kube::Request LogRequest(const PodView& pod, const std::string& range, size_t limit_bytes) {
  kube::Request request;
  request.lane = kube::Lane::Logs;
  request.node = pod.node;
  request.most_bytes = std::max(limit_bytes, kRefusalBytes);
  request.path = PodsPath(pod.ns) + "/" + pod.name + "/log?container=" + pod.container + "&timestamps=true&" +
                 range + "&limitBytes=" + std::to_string(limit_bytes);
  return request;
}

std::optional<LogLine> TakeLine(std::string_view& log) {
  std::string_view line = log.substr(0, log.find('\n'));
  log.remove_prefix(std::min(log.size(), line.size() + 1));
  const size_t space = line.find(' ');
  const auto time = ParseTime(line.substr(0, space));
  if (!time || space == std::string_view::npos) return std::nullopt;
  return LogLine{*time, line.substr(space + 1)};
}

std::string KeptLog(std::string_view log, std::string_view marker, size_t most) {
  // From the end: no more is looked at than is kept, however much was read
  std::vector<std::string> lines;
  for (size_t kept = 0; !log.empty();) {
    if (log.ends_with('\n')) log.remove_suffix(1);
    const size_t before = log.rfind('\n');
    std::string_view rest = log.substr(before == std::string_view::npos ? 0 : before + 1);
    log = before == std::string_view::npos ? std::string_view() : log.substr(0, before + 1);
    const auto line = TakeLine(rest);
    if (!line) continue;
    std::string text = MaskSecrets(line->text.substr(0, most));
    Hide(text, marker);
    text = Printable(text, most / 4) + "\n";
    kept += text.size();
    if (kept > most) break;
    lines.push_back(std::move(text));
  }
  std::string text;
  for (auto line = lines.rbegin(); line != lines.rend(); ++line) text += *line;
  return text;
}

}  // namespace imagebatch::cluster
