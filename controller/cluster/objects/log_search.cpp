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
Time Since(const std::optional<Evidence>& found) { return found ? found->verdict.since : Time{}; }

}  // namespace

LogSearch::LogSearch(std::string marker, Time from)
    : marker_(std::move(marker)), from_(std::chrono::floor<seconds>(from)), limit_(kPiece) {}

kube::Request LogSearch::Next(const PodView& pod) const {
  kube::Request request = LogRequest(pod, "sinceTime=" + FormatTime(from_), limit_);
  // Nothing else of a line is as sure to be in it, and no other build can print it
  request.only_lines_with = "\"marker\":\"" + marker_ + "\"";
  return request;
}

LogSearch::Piece LogSearch::OnPiece(std::string_view lines, size_t received) {
  const Time before = Since(found_);
  Piece piece;
  piece.more = received >= limit_;
  Time last = from_;
  while (!lines.empty()) {
    if (piece.more && lines.find('\n') == std::string_view::npos) break;  // cut
    const auto line = TakeLine(lines);
    if (!line) continue;
    last = std::max<Time>(last, std::chrono::floor<seconds>(line->time));
    if (auto saying = ReadSaying(line->text, marker_)) found_ = std::move(saying->hung);
  }
  piece.changed = Since(found_) != before;
  if (piece.more && last == from_ && limit_ < kLargestPiece) {
    limit_ = kLargestPiece;
    return piece;
  }
  from_ = piece.more && last == from_ ? from_ + seconds(1) : last;
  limit_ = kPiece;
  return piece;
}

}  // namespace imagebatch::cluster
