#pragma once
#include <cstdint>
#include <deque>
#include <filesystem>
#include <string>
#include <vector>

#include "base/descriptor.h"
#include "base/result.h"
#include "cluster/store/result_line.h"

namespace imagebatch::local {

/// The results of a batch: one line for each attempt that has ended, in the order of their ends.
class ResultFile {
 public:
  /// No result takes more in the file (cluster::ResultLine has at most 4 KiB, and paths come on top).
  static constexpr int64_t kLineBytes = 8192;

  /// Opens `path` or makes it, and reads what it holds. Its last line may be cut off where a run was killed
  /// or the disk was full: `repaired` then says so, and the line is gone. Another line that is no result is
  /// an error, with its number.
  static Result<ResultFile> Open(const std::filesystem::path& path);
  /// Gives back what Reserve took.
  ~ResultFile();
  ResultFile(ResultFile&&) = default;
  ResultFile& operator=(ResultFile&&) = delete;

  const std::deque<cluster::ResultKey>& stored() const { return stored_; }
  const std::string& repaired() const { return repaired_; }

  /// Sets aside room on the disk for so many lines that are yet to come; false where it is full. So a result
  /// finds its room whatever others write meanwhile. On file systems that know no such thing always true.
  bool Reserve(size_t lines);

  /// Adds lines, each without its newline; on return they are on the disk. An error leaves the file as it
  /// was.
  Result<void> Append(const std::vector<std::string>& lines);

 private:
  ResultFile(std::filesystem::path path, Descriptor file) : path_(std::move(path)), file_(std::move(file)) {}
  Result<void> Read();
  Result<void> TakeBack(const char* failed);

  std::filesystem::path path_;
  Descriptor file_;
  int64_t size_ = 0, reserved_ = 0;
  std::deque<cluster::ResultKey> stored_;
  std::string repaired_;
};

}  // namespace imagebatch::local
