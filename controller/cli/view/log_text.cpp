#include "cli/view/log_text.h"

#include "base/text.h"
#include "cli/view/json_access.h"
#include "cluster/objects/names.h"
#include "contract/contract.h"

namespace imagebatch::cli {
namespace {

using nlohmann::json;

constexpr size_t kLongestLine = size_t{64} * 1024;

const json* Named(const json& list, const std::string& name) {
  for (const json& one : list) {
    if (TextAt(one, "name") == name) return &one;
  }
  return nullptr;
}

/// Without what a terminal would obey: escape sequences as a whole, and other control characters as '?'.
std::string ForTerminal(std::string_view line) {
  std::string text;
  for (size_t at = 0; at < line.size();) {
    if (line[at] == '\x1b' && at + 1 < line.size() && line[at + 1] == '[') {
      at += 2;
      while (at < line.size() && (line[at] < '@' || line[at] > '~')) ++at;
      if (at < line.size()) ++at;
      continue;
    }
    const size_t length = Utf8Length(line, at);
    if (line[at] == '\t') {
      text += '\t';
    } else if (line[at] == '\r') {  // a progress bar draws its line anew
      text += at + 1 == line.size() ? "" : " ";
    } else {
      text += length == 0 ? "?" : Printable(line.substr(at, length), length);
    }
    at += length == 0 ? 1 : length;
  }
  return text;
}

}  // namespace

std::string ContainerOf(const json& pod) {
  const std::string name =
      TextAt(At(At(pod, "metadata"), "annotations"), std::string(cluster::kContainerAnnotation).c_str());
  return name.empty() ? "build" : name;
}

std::string MarkerOf(const json& pod) {
  const json* container = Named(ListAt(At(pod, "spec"), "containers"), ContainerOf(pod));
  if (container == nullptr) return "";
  const json* variable = Named(ListAt(*container, "env"), contract::kMarkerVariable);
  return variable == nullptr ? "" : TextAt(*variable, "value");
}

bool HasStarted(const json& pod) {
  const json* status = Named(ListAt(At(pod, "status"), "containerStatuses"), ContainerOf(pod));
  if (status == nullptr) return false;
  const json& state = At(*status, "state");
  return At(state, "running").is_object() || At(state, "terminated").is_object();
}

std::string LogFilter::Feed(std::string_view piece) {
  std::string out;
  rest_ += piece;
  size_t begin = 0;
  for (size_t end = 0; (end = rest_.find('\n', begin)) != std::string::npos; begin = end + 1)
    out += Line(std::string_view(rest_).substr(begin, end - begin)) + "\n";
  rest_.erase(0, begin);
  if (rest_.size() > kLongestLine) out += Finish();
  return out;
}

std::string LogFilter::Finish() {
  std::string out = Line(rest_);
  rest_.clear();
  return out;
}

std::string LogFilter::Line(std::string_view line) const {
  constexpr std::string_view kHidden = "***";
  std::string text(line);
  if (!marker_.empty()) {
    for (size_t at = 0; (at = text.find(marker_, at)) != std::string::npos; at += kHidden.size())
      text.replace(at, marker_.size(), kHidden);
  }
  return terminal_ ? ForTerminal(text) : text;
}

std::string LogText(std::string_view log, const std::string& marker) {
  LogFilter filter(marker, /*terminal=*/true);
  std::string text = filter.Feed(log);
  return text + filter.Finish();
}

}  // namespace imagebatch::cli
