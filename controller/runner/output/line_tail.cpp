#include "runner/output/line_tail.h"

#include <string.h>  // memrchr

#include <algorithm>

namespace imagebatch::runner {

void LineTail::Add(size_t stream, std::string_view bytes, hang::TimePoint now) {
  std::string& line = open_[stream];
  while (!bytes.empty()) {
    const size_t end = bytes.find('\n');
    Extend(line, bytes.substr(0, end));
    if (end == std::string_view::npos) return;
    Complete(line, now);
    line.clear();
    bytes.remove_prefix(end + 1);
  }
}

void LineTail::Extend(std::string& line, std::string_view bytes) {
  if (bytes.empty()) return;
  // A progress bar writes over its line: what counts is what stands behind the last carriage return.
  if (!line.empty() && line.back() == '\r') line.clear();
  // rfind() looks at one byte after the other, and all output comes through here.
  if (const void* overwritten = memrchr(bytes.data(), '\r', bytes.size() - 1)) {
    line.clear();
    bytes.remove_prefix(static_cast<size_t>(static_cast<const char*>(overwritten) - bytes.data()) + 1);
  }
  // One byte more than is kept, so that a cut can be seen, and the carriage return at the end, which says
  // that the next byte begins the line anew.
  const size_t room = kLineBytes + 1 - std::min(line.size(), kLineBytes + 1);
  line.append(bytes.substr(0, room));
  if (bytes.size() > room && bytes.back() == '\r') line.back() = '\r';
}

void LineTail::Complete(const std::string& line, hang::TimePoint now) {
  std::string_view text = line;
  if (text.ends_with('\r')) text.remove_suffix(1);
  phases_.Add(text, now);
  lines_[next_].assign(text);
  ended_[next_] = now;
  next_ = (next_ + 1) % kLinesKept;
  ++count_;
}

std::vector<std::string> LineTail::Last() const {
  std::vector<std::string> last;
  for (size_t index = kLinesKept - kLines; index < kLinesKept; ++index) {
    const std::string& line = lines_[(next_ + index) % kLinesKept];
    if (!line.empty()) last.push_back(line);
  }
  for (const std::string& line : open_) {
    if (!line.empty()) last.push_back(line);
  }
  if (last.size() > kLines) last.erase(last.begin(), last.end() - kLines);
  return last;
}

std::vector<std::string> LineTail::Since(hang::TimePoint time) const {
  std::vector<std::string> since;
  for (size_t index = 0; index < kLinesKept; ++index) {
    const size_t at = (next_ + index) % kLinesKept;
    if (!lines_[at].empty() && ended_[at] > time) since.push_back(lines_[at]);
  }
  if (!since.empty()) return since;
  for (const std::string& line : open_) {
    if (!line.empty()) since.push_back(line);
  }
  return since;
}

}  // namespace imagebatch::runner
