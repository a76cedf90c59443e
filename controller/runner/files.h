#pragma once
#include <string>
#include <string_view>

namespace imagebatch::runner {

/// An open file descriptor that closes itself; always close-on-exec, so that the command never sees it.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(other.Release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor() { Close(); }

  int Get() const { return number_; }
  bool Open() const { return number_ >= 0; }
  int Release();
  void Close();

 private:
  int number_ = -1;
};

/// Replaces `path` by `content` in one step: a reader sees the old file or the new one, never a part. False
/// with errno set where that fails; `path` is then as it was.
bool ReplaceFile(const std::string& path, std::string_view content);

/// Overwrites what `file` holds, in place: a bind mount such as /dev/termination-log cannot be renamed over.
bool Overwrite(const Descriptor& file, std::string_view content);

/// Copies the program that runs to `target`, mode 0755, in one step. False with errno set where that fails.
bool InstallSelf(const std::string& target);

/// Reads up to `size` bytes of a file that fits in one read (as those of /proc do) and ends them with a zero
/// byte: `buffer` holds size + 1. Empty where it cannot be read.
std::string_view ReadSmall(int directory, const char* path, char* buffer, size_t size);

/// Reads a whole file of at most `limit` bytes; what is longer is cut.
std::string ReadWhole(const char* path, size_t limit);

}  // namespace imagebatch::runner
