#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "cluster/objects/views.h"

/// A build's log as the API server gives it with time stamps: what of it may be read how, and what is kept.
namespace imagebatch::cluster {

/// So much of a log's end is kept, in bytes.
inline constexpr size_t kKeptLogBytes = size_t{64} * 1024;

/// GET of a build's log. `range` says what part: "sinceTime=..." or "tailLines=...". limitBytes counts the
/// time stamps too and gives the first bytes of that part; it may cut a line. A node that sends more is not
/// listened to.
kube::Request LogRequest(const PodView& pod, const std::string& range, size_t limit_bytes);

struct LogLine {
  Time time{};            // when the node took it down
  std::string_view text;  // without the newline
};

/// Takes the first line off `log`; nothing where it does not begin with a time stamp.
std::optional<LogLine> TakeLine(std::string_view& log);

/// The end of a log (with time stamps) as it is kept: whole lines, at most `most` bytes, valid UTF-8 without
/// control characters, what looks like a secret and the attempt's marker replaced by "***".
std::string KeptLog(std::string_view log, std::string_view marker, size_t most = kKeptLogBytes);

}  // namespace imagebatch::cluster
