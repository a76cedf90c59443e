#pragma once
#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

#include "base/descriptor.h"

namespace imagebatch::runner {

/// A file that is replaced in one step, so that a reader sees the old one or the new one and never a part. It
/// is locked (flock) as long as this process lives: a reader can tell what was left behind by a dead one.
class ReplacedFile {
 public:
  explicit ReplacedFile(std::string path) : path_(std::move(path)) {}

  /// Empty on success, else what went wrong; the file is then as it was. Only a regular file is ever
  /// replaced.
  std::string Replace(std::string_view content);

 private:
  std::string path_;
  Descriptor locked_;
};

/// What a ReplacedFile holds, at most `limit` bytes of it.
struct ReplacedContent {
  std::string text;
  bool left_behind = false;  // nobody has it locked: who wrote it is gone
};
/// Nothing where it cannot be read.
std::optional<ReplacedContent> ReadReplaced(const std::string& path, size_t limit);

/// Opens `path` for Overwrite(); makes it where it is not there. Does not wait for the reader of a FIFO.
/// Empty on success, else what went wrong.
std::string OpenForOverwriting(const std::string& path, Descriptor& file);

/// Overwrites what `file` holds, in place: a bind mount such as /dev/termination-log cannot be renamed over.
/// False with errno set where that fails.
bool Overwrite(const Descriptor& file, std::string_view content);

/// Copies the program that runs to `target`, mode 0755, in one step. Empty on success, else what went wrong;
/// only a regular file is ever replaced.
std::string InstallSelf(const std::string& target);

/// Reads up to `size` bytes of a file that fits in one read (as those of /proc do) and ends them with a zero
/// byte: `buffer` holds size + 1. Empty where it cannot be read.
std::string_view ReadSmall(int directory, const char* path, char* buffer, size_t size);

/// Reads a whole file of at most `limit` bytes; what is longer is cut.
std::string ReadWhole(const char* path, size_t limit);

}  // namespace imagebatch::runner
