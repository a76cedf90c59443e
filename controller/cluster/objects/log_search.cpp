#include "cluster/objects/log_search.h"

#include <algorithm>
#include <utility>

#include "cluster/objects/log_lines.h"

namespace imagebatch::cluster {
namespace {

using std::chrono::seconds;

constexpr size_t kPiece = 4 << 20;
constexpr size_t kLargestPiece = 20 << 20;

/// When the verdict was reached; the epoch where there is none.
}  // namespace

LogSearch::LogSearch(std::string marker, Time from)
    : marker_(std::move(marker)), from_(std::chrono::floor<seconds>(from)), limit_(kPiece) {}

kube::Request LogSearch::Next(const PodView& pod) const {
  kube::Request request = LogRequest(pod, "sinceTime=" + FormatTime(from_), limit_);
  // Nothing else of a line is as sure to be in it, and no other build can print it
  request.only_lines_with = "\"marker\":\"" + marker_ + "\"";
  return request;
}

bool LogSearch::OnPiece(std::string_view lines, size_t received) {
  const bool more = received >= limit_;
  Time last = from_;
  while (!lines.empty()) {
    if (more && lines.find('\n') == std::string_view::npos) break;  // cut
    const auto line = TakeLine(lines);
    if (!line) continue;
    last = std::max<Time>(last, std::chrono::floor<seconds>(line->time));
    if (auto saying = ReadSaying(line->text, marker_)) found_ = std::move(saying->hung);
  }
  if (more && last == from_ && limit_ < kLargestPiece) {
    limit_ = kLargestPiece;
    return more;
  }
  from_ = more && last == from_ ? from_ + seconds(1) : last;
  limit_ = kPiece;
  return more;
}

}  // namespace imagebatch::cluster
