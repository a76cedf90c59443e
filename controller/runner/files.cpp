#include "runner/files.h"

#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <utility>

namespace imagebatch::runner {
namespace {

bool WriteAll(int file, std::string_view content) {
  while (!content.empty()) {
    const ssize_t written = write(file, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    content.remove_prefix(static_cast<size_t>(written));
  }
  return true;
}

/// Writes a neighbour of `path` with `fill` and renames it over `path`.
template <class Fill>
bool ReplaceWith(const std::string& path, mode_t mode, Fill fill) {
  const std::string temporary = path + ".new";
  // Removed first: a program that still runs from it could not be written ("text file busy").
  unlink(temporary.c_str());
  Descriptor file(open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
  if (!file.Open()) return false;
  if (fill(file.Get()) && fchmod(file.Get(), mode) == 0 && rename(temporary.c_str(), path.c_str()) == 0) {
    return true;
  }
  const int reason = errno;
  unlink(temporary.c_str());
  errno = reason;
  return false;
}

}  // namespace

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  if (this != &other) {
    Close();
    number_ = other.Release();
  }
  return *this;
}

int Descriptor::Release() { return std::exchange(number_, -1); }

void Descriptor::Close() {
  if (number_ >= 0) close(number_);
  number_ = -1;
}

bool ReplaceFile(const std::string& path, std::string_view content) {
  return ReplaceWith(path, 0644, [content](int file) { return WriteAll(file, content); });
}

bool Overwrite(const Descriptor& file, std::string_view content) {
  if (lseek(file.Get(), 0, SEEK_SET) < 0 && errno != ESPIPE) return false;
  // A terminal or a pipe has nothing to cut off.
  if (ftruncate(file.Get(), 0) != 0 && errno != EINVAL) return false;
  return WriteAll(file.Get(), content);
}

bool InstallSelf(const std::string& target) {
  Descriptor self(open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  if (!self.Open()) return false;
  return ReplaceWith(target, 0755, [&self](int file) {
    constexpr size_t kAtOnce = size_t{1} << 30;
    ssize_t copied = 0;
    while ((copied = sendfile(file, self.Get(), nullptr, kAtOnce)) > 0) continue;
    return copied == 0;
  });
}

std::string_view ReadSmall(int directory, const char* path, char* buffer, size_t size) {
  buffer[0] = '\0';
  Descriptor file(openat(directory, path, O_RDONLY | O_CLOEXEC));
  if (!file.Open()) return {};
  const ssize_t length = read(file.Get(), buffer, size);
  if (length <= 0) return {};
  buffer[length] = '\0';
  return {buffer, static_cast<size_t>(length)};
}

std::string ReadWhole(const char* path, size_t limit) {
  std::string content;
  Descriptor file(open(path, O_RDONLY | O_CLOEXEC));
  if (!file.Open()) return content;
  char buffer[4096];
  ssize_t length = 0;
  while (content.size() < limit && (length = read(file.Get(), buffer, sizeof buffer)) > 0) {
    content.append(buffer, static_cast<size_t>(length));
  }
  if (content.size() > limit) content.resize(limit);
  return content;
}

}  // namespace imagebatch::runner
