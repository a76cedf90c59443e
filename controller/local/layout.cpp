#include "local/layout.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "base/percent_encode.h"
#include "cluster/objects/names.h"

namespace imagebatch::local {
namespace {

namespace fs = std::filesystem;

constexpr size_t kLongestName = 180;  // of 255 bytes that a file system takes

fs::path OfAttempt(const char* folder, std::string_view stage, std::string_view name, int attempt,
                   const char* ending) {
  std::string file = PercentEncode(name);
  if (file.size() > kLongestName)
    file = file.substr(0, kLongestName) + "~" + cluster::Sha256(name).substr(0, 16);
  return fs::path(folder) / stage / (file + "." + std::to_string(attempt) + ending);
}

/// A directory that nobody else can put anything into.
bool MakeOwn(const fs::path& path) {
  if (mkdir(path.c_str(), S_IRWXU) != 0 && errno != EEXIST) return false;
  struct stat status {};
  return lstat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode) && status.st_uid == geteuid() &&
         (status.st_mode & (S_IRWXG | S_IRWXO)) == 0;
}

void Empty(const fs::path& path) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(path, ignored)) fs::remove(entry.path(), ignored);
}

}  // namespace

fs::path Layout::Log(std::string_view stage, std::string_view name, int attempt) {
  return OfAttempt("logs", stage, name, attempt, ".log");
}

fs::path Layout::Evidence(std::string_view stage, std::string_view name, int attempt) {
  return OfAttempt("evidence", stage, name, attempt, ".json");
}

Scratch::Scratch(const fs::path& root) {
  std::error_code error;
  const std::string id = cluster::Sha256(fs::absolute(root, error).string()).substr(0, 16);
  path_ = fs::path("/dev/shm") / ("imagebatch-" + std::to_string(geteuid()) + "-" + id);
  if (!MakeOwn(path_)) {
    path_ = fs::absolute(root, error) / "running";
    fs::create_directories(path_, error);
  }
  Empty(path_);
}

Scratch::~Scratch() {
  Empty(path_);
  std::error_code ignored;
  fs::remove(path_, ignored);
}

void Scratch::Forget(const std::string& job) const {
  std::error_code ignored;
  fs::remove(State(job), ignored);
  fs::remove(Result(job), ignored);
}

}  // namespace imagebatch::local
