#include "local/result_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "local/machine.h"

namespace imagebatch::local {
namespace {

namespace fs = std::filesystem;

tl::unexpected<Error> Cannot(const char* what, const fs::path& path) {
  return Fail(std::string("cannot ") + what + " " + path.string() + ": " + ErrorText(errno));
}

/// The directory's entry of a new file has to reach the disk too.
void SyncDirectory(const fs::path& path) {
  const Descriptor directory(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.Open()) fsync(directory.Get());
}

}  // namespace

Result<ResultFile> ResultFile::Open(const fs::path& path) {
  Descriptor file(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (!file.Open()) return Cannot("open", path);
  SyncDirectory(path.parent_path());
  ResultFile results(path, std::move(file));
  if (auto read = results.Read(); !read) return tl::unexpected(read.error());
  return results;
}

ResultFile::~ResultFile() {
  if (file_.Open() && reserved_ > size_) [[maybe_unused]]
    const int ignored = ftruncate(file_.Get(), size_);
}

Result<void> ResultFile::Read() {
  std::string text;
  std::array<char, 65536> part{};
  ssize_t length = 0;
  while ((length = read(file_.Get(), part.data(), part.size())) > 0)
    text.append(part.data(), static_cast<size_t>(length));
  if (length < 0) return Cannot("read", path_);

  size_t number = 0, whole = 0;
  while (whole < text.size()) {
    const size_t end = text.find('\n', whole);
    if (end == std::string::npos) break;
    ++number;
    auto key = cluster::ParseResultLine(std::string_view(text).substr(whole, end - whole));
    if (!key) {
      return Fail(
          path_.string() + " line " + std::to_string(number) +
          " is not a result of this program; take the line out, and its attempt runs again, or move " +
          path_.parent_path().string() + " away to begin anew");
    }
    stored_.push_back(std::move(*key));
    whole = end + 1;
  }
  size_ = static_cast<int64_t>(whole);
  if (whole == text.size()) return {};
  repaired_ = path_.string() + " line " + std::to_string(number + 1) + " was cut off after " +
              std::to_string(text.size() - whole) +
              " bytes, by a kill or a full disk; it is removed, and its attempt runs again";
  if (ftruncate(file_.Get(), size_) != 0) return Cannot("repair", path_);
  return {};
}

bool ResultFile::Reserve(size_t lines) {
  const int64_t needed = size_ + static_cast<int64_t>(lines) * kLineBytes;
  if (needed <= reserved_) return true;
  if (fallocate(file_.Get(), FALLOC_FL_KEEP_SIZE, 0, needed) != 0) return errno != ENOSPC && errno != EDQUOT;
  reserved_ = needed;
  return true;
}

Result<void> ResultFile::Append(const std::vector<std::string>& lines) {
  if (lines.empty()) return {};
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  for (size_t done = 0; done < text.size();) {
    const ssize_t written =
        pwrite(file_.Get(), text.data() + done, text.size() - done, size_ + static_cast<off_t>(done));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return TakeBack("write");
    done += static_cast<size_t>(written);
  }
  if (fdatasync(file_.Get()) != 0) return TakeBack("flush");
  size_ += static_cast<int64_t>(text.size());
  return {};
}

Result<void> ResultFile::TakeBack(const char* failed) {
  auto error = Cannot(failed, path_);
  [[maybe_unused]] const int ignored = ftruncate(file_.Get(), size_);
  reserved_ = 0;  // it went with the lines
  return error;
}

}  // namespace imagebatch::local
