#pragma once
#include <filesystem>
#include <string>

#include "base/mutex.h"
#include "base/result.h"
#include "base/time.h"

namespace imagebatch::kube {

/// The bearer token: a fixed one, or a file that the kubelet replaces before its token expires. Thread-safe.
class TokenSource {
 public:
  TokenSource() = default;  // no token
  explicit TokenSource(std::string token) : token_(std::move(token)) {}
  /// `fallback` stands in until the file could be read once.
  TokenSource(std::filesystem::path file, std::string fallback)
      : file_(std::move(file)), token_(std::move(fallback)) {}

  /// The token as of `now`, empty where there is none; the file is read at most once a minute. Where it
  /// cannot be read the last token stays; an error only while there never was one.
  Result<std::string> Get(SteadyTime now);

 private:
  Mutex mutex_;
  const std::filesystem::path file_;
  std::string token_ GUARDED_BY(mutex_);
  SteadyTime read_again_ GUARDED_BY(mutex_) = SteadyTime::min();
};

}  // namespace imagebatch::kube
