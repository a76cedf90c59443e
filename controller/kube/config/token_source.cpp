#include "kube/config/token_source.h"

#include "kube/config/file.h"

namespace imagebatch::kube {
namespace {

constexpr auto kReadInterval = std::chrono::minutes(1);
constexpr size_t kMaxTokenBytes = size_t{64} * 1024;

}  // namespace

Result<std::string> TokenSource::Get(SteadyTime now) {
  const MutexLock lock(mutex_);
  if (file_.empty() || now < read_again_) return token_;
  Result<std::string> text = ReadFile(file_, kMaxTokenBytes);
  if (text) {
    // White space around the token would end the header line
    const size_t begin = text->find_first_not_of(" \t\r\n");
    const size_t end = text->find_last_not_of(" \t\r\n");
    if (begin != std::string::npos) token_ = text->substr(begin, end - begin + 1);
  }
  if (token_.empty()) {
    return Fail(text ? "token file " + file_.string() + " is empty" : "token: " + text.error().message);
  }
  read_again_ = now + kReadInterval;
  return token_;
}

}  // namespace imagebatch::kube
