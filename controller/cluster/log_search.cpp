#include "cluster/log_search.h"

#include <algorithm>
#include <utility>

#include "cluster/log_lines.h"

namespace imagebatch::cluster {
namespace {

using std::chrono::seconds;

constexpr size_t kPiece = 1024 * 1024;
constexpr size_t kLargestPiece = 16 * kPiece;

/// When the verdict was reached; the epoch where there is none.
Time Since(const std::optional<Evidence>& found) { return found ? found->verdict.since : Time{}; }

}  // namespace

LogSearch::LogSearch(std::string marker, Time from)
    : marker_(std::move(marker)), from_(std::chrono::floor<seconds>(from)), limit_(kPiece) {}

kube::Request LogSearch::Next(const PodView& pod) const {
  return LogRequest(pod, "sinceTime=" + FormatTime(from_), limit_);
}

LogSearch::Piece LogSearch::OnPiece(std::string_view log) {
  const Time before = Since(found_);
  Piece piece;
  piece.more = log.size() >= limit_;
  Time last = from_;
  while (!log.empty()) {
    if (piece.more && log.find('\n') == std::string_view::npos) break;  // cut
    const auto line = TakeLine(log);
    if (!line) continue;
    last = std::max<Time>(last, std::chrono::floor<seconds>(line->time));
    if (auto saying = ReadSaying(line->text, marker_)) found_ = std::move(saying->hung);
  }
  piece.changed = Since(found_) != before;
  if (piece.more && last == from_ && limit_ < kLargestPiece) {
    limit_ *= 4;
    return piece;
  }
  from_ = piece.more && last == from_ ? from_ + seconds(1) : last;
  limit_ = kPiece;
  return piece;
}

}  // namespace imagebatch::cluster
