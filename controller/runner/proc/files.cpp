#include "runner/proc/files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
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

std::string CannotWrite(const std::string& path, const char* reason) {
  return "cannot write " + path + ": " + reason;
}

/// Writes a neighbour of `path` with `fill` and renames it over `path`. What `replaced` then holds is locked.
template <class Fill>
std::string ReplaceWith(const std::string& path, mode_t mode, Fill fill, Descriptor& replaced) {
  struct stat status {};
  // A device or a FIFO would be gone for everybody, and a symbolic link would not be followed.
  if (lstat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode)) {
    return CannotWrite(path, "not a regular file");
  }
  const std::string temporary = path + ".new";
  // Removed first: a program that still runs from it could not be written ("text file busy").
  unlink(temporary.c_str());
  Descriptor file(open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode));
  if (!file.Open()) return CannotWrite(path, strerror(errno));
  // Some file systems know no locks; whoever reads then cannot tell.
  (void)flock(file.Get(), LOCK_EX | LOCK_NB);
  if (fill(file.Get()) && fchmod(file.Get(), mode) == 0 && rename(temporary.c_str(), path.c_str()) == 0) {
    replaced = std::move(file);
    return {};
  }
  const int reason = errno;
  unlink(temporary.c_str());
  return CannotWrite(path, strerror(reason));
}

std::string ReadAll(const Descriptor& file, size_t limit) {
  std::string content;
  char buffer[4096];
  ssize_t length = 0;
  while (content.size() < limit && (length = read(file.Get(), buffer, sizeof buffer)) > 0) {
    content.append(buffer, static_cast<size_t>(length));
  }
  if (content.size() > limit) content.resize(limit);
  return content;
}

bool IsAt(const Descriptor& file, const std::string& path) {
  struct stat opened {};
  struct stat now {};
  return fstat(file.Get(), &opened) == 0 && stat(path.c_str(), &now) == 0 && opened.st_ino == now.st_ino &&
         opened.st_dev == now.st_dev;
}

}  // namespace

std::string ReplacedFile::Replace(std::string_view content) {
  return ReplaceWith(
      path_, 0644, [content](int file) { return WriteAll(file, content); }, locked_);
}

std::optional<ReplacedContent> ReadReplaced(const std::string& path, size_t limit) {
  for (;;) {
    Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (!file.Open()) return std::nullopt;
    const bool free = flock(file.Get(), LOCK_SH | LOCK_NB) == 0;
    // Replaced since it was opened, the old one is free although its writer lives.
    if (free && !IsAt(file, path)) continue;
    return ReplacedContent{ReadAll(file, limit), free};
  }
}

std::string OpenForOverwriting(const std::string& path, Descriptor& file) {
  file = Descriptor(open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0644));
  if (!file.Open()) return CannotWrite(path, strerror(errno));
  struct stat status {};
  if (fstat(file.Get(), &status) != 0) return CannotWrite(path, strerror(errno));
  if (S_ISBLK(status.st_mode)) return CannotWrite(path, "a block device");
  return {};
}

bool Overwrite(const Descriptor& file, std::string_view content) {
  if (lseek(file.Get(), 0, SEEK_SET) < 0 && errno != ESPIPE) return false;
  // A terminal or a pipe has nothing to cut off.
  if (ftruncate(file.Get(), 0) != 0 && errno != EINVAL) return false;
  return WriteAll(file.Get(), content);
}

std::string InstallSelf(const std::string& target) {
  Descriptor self(open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  if (!self.Open()) return std::string("cannot read /proc/self/exe: ") + strerror(errno);
  Descriptor installed;
  const auto copy = [&self](int file) {
    constexpr size_t kAtOnce = size_t{1} << 30;
    ssize_t copied = 0;
    while ((copied = sendfile(file, self.Get(), nullptr, kAtOnce)) > 0) continue;
    return copied == 0;
  };
  return ReplaceWith(target, 0755, copy, installed);
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
  Descriptor file(open(path, O_RDONLY | O_CLOEXEC));
  return file.Open() ? ReadAll(file, limit) : std::string();
}

}  // namespace imagebatch::runner
