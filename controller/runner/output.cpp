#include "runner/output.h"

#include <limits.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace imagebatch::runner {
namespace {

/// Lines of our own that wait while ours is not read; further ones are dropped.
constexpr size_t kInjectedLimit = size_t{64} * 1024;

bool IsRegularFile(int file) {
  struct stat status {};
  return fstat(file, &status) == 0 && S_ISREG(status.st_mode);
}

}  // namespace

OutputStream::OutputStream(Descriptor from, int to)
    : from_(std::move(from)), to_(to), at_once_(IsRegularFile(to) ? sizeof buffer_ : PIPE_BUF) {}

std::string_view OutputStream::Read() {
  ssize_t length = 0;
  do {
    length = read(from_.Get(), buffer_.data(), buffer_.size());
  } while (length < 0 && errno == EINTR);
  if (length < 0 && errno == EAGAIN && expect_more_) return {};
  if (length <= 0) {
    from_.Close();
    return {};
  }
  begin_ = 0;
  end_ = static_cast<size_t>(length);
  last_byte_ = buffer_[end_ - 1];
  return {buffer_.data(), end_};
}

bool OutputStream::Writable() const {
  pollfd entry{to_, POLLOUT, 0};
  return poll(&entry, 1, 0) == 1;
}

bool OutputStream::WriteSome(const char* bytes, size_t size, size_t& written) {
  if (broken_) {
    written = size;
    return true;
  }
  if (!Writable()) return false;
  const ssize_t length = write(to_, bytes, std::min(size, at_once_));
  if (length < 0) {
    if (errno == EAGAIN || errno == EINTR) return false;
    broken_ = true;
    written = size;
    return true;
  }
  written = static_cast<size_t>(length);
  return true;
}

void OutputStream::Write() {
  size_t written = 0;
  while (begin_ < end_) {
    if (!WriteSome(buffer_.data() + begin_, end_ - begin_, written)) return;
    begin_ += written;
  }
  while (!injected_.empty()) {
    if (!WriteSome(injected_.data(), injected_.size(), written)) return;
    injected_.erase(0, written);
  }
}

void OutputStream::Inject(std::string_view line) {
  if (injected_.size() + line.size() > kInjectedLimit) return;
  if (last_byte_ != '\n') injected_ += '\n';
  injected_ += line;
  injected_ += '\n';
  last_byte_ = '\n';
}

}  // namespace imagebatch::runner
