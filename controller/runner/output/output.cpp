#include "runner/output/output.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
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

size_t OutputStream::Share() {
  if (!shares_ || broken_) return 0;
  const ssize_t length = tee(from_.Get(), to_, buffer_.size(), SPLICE_F_NONBLOCK);
  if (length < 0 && errno == EINVAL) shares_ = false;  // not two pipes
  return length > 0 ? static_cast<size_t>(length) : 0;
}

std::string_view OutputStream::Read() {
  const size_t shared = Share();
  ssize_t length = 0;
  do {
    length = read(from_.Get(), buffer_.data(), shared > 0 ? shared : buffer_.size());
  } while (length < 0 && errno == EINTR);
  if (length < 0 && errno == EAGAIN && expect_more_) return {};
  if (length <= 0) {
    from_.Close();
    return {};
  }
  end_ = static_cast<size_t>(length);
  begin_ = shared > 0 ? end_ : 0;
  last_byte_ = buffer_[end_ - 1];
  return {buffer_.data(), end_};
}

bool OutputStream::Writable() const {
  pollfd entry{to_, POLLOUT, 0};
  return poll(&entry, 1, 0) == 1;
}

OutputStream::Written OutputStream::WriteSome(const char* bytes, size_t size, size_t& written) {
  written = size;
  if (broken_) return Written::Some;
  if (!Writable()) return Written::Later;
  const ssize_t length = write(to_, bytes, std::min(size, at_once_));
  if (length >= 0) {
    written = static_cast<size_t>(length);
    return Written::Some;
  }
  if (errno == EAGAIN || errno == EINTR) return Written::Later;
  if (errno == EPIPE) {
    broken_ = true;
    return Written::Some;
  }
  lost_reason_ = errno;
  return Written::Refused;
}

void OutputStream::Write() {
  size_t written = 0;
  while (begin_ < end_) {
    const Written result = WriteSome(buffer_.data() + begin_, end_ - begin_, written);
    if (result == Written::Later) return;
    begin_ += written;
    if (result == Written::Refused) {
      lost_ += written;
    } else {
      TellLoss();
    }
  }
  while (!injected_.empty()) {
    const Written result = WriteSome(injected_.data(), injected_.size(), written);
    refused_ = result == Written::Refused;
    if (result != Written::Some) return;
    injected_.erase(0, written);
  }
}

void OutputStream::Retry() {
  TellLoss();
  if (Pending() || refused_) Write();
}

void OutputStream::TellLoss() {
  if (lost_ == lost_told_) return;
  Inject("imagebatch-runner: " + std::to_string(lost_ - lost_told_) +
         " bytes of output before this line were lost: " + strerror(lost_reason_));
  lost_told_ = lost_;
}

void OutputStream::Inject(std::string_view line) {
  if (injected_.size() + line.size() > kInjectedLimit) return;
  if (last_byte_ != '\n') injected_ += '\n';
  injected_ += line;
  injected_ += '\n';
  last_byte_ = '\n';
}

}  // namespace imagebatch::runner
