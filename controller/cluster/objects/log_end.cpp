#include "cluster/objects/log_end.h"

#include <algorithm>
#include <string>

#include "cluster/objects/log_lines.h"

namespace imagebatch::cluster {
namespace {

// A quarter of what is too much is about what is kept; time stamps are half of a short line
constexpr int kFewer = 4;
constexpr size_t kRead = kFewer * kKeptLogBytes;

}  // namespace

kube::Request LogEnd::Next(const PodView& pod) const {
  return LogRequest(pod, "tailLines=" + std::to_string(lines_), kRead);
}

bool LogEnd::OnReply(std::string_view log) {
  if (log.size() < kRead || lines_ == 1) return true;
  lines_ = std::max(lines_ / kFewer, 1);
  return false;
}

}  // namespace imagebatch::cluster
