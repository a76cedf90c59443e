#pragma once
#include <sys/types.h>

#include <filesystem>
#include <functional>
#include <string>

#include "base/descriptor.h"
#include "base/result.h"
#include "base/time.h"

namespace imagebatch::local {

/// Holds a batch's directory for one run. The lock belongs to the open file (flock), which every build
/// inherits: so it is free only once all processes of an earlier run are gone, however that ended.
class RunLock {
 public:
  /// Makes `path` and takes its lock. Another run that lives: an error that says who. Left are builds of a
  /// run that was killed: they are killed too and told of by `say`; an error where they do not go.
  static Result<RunLock> Take(const std::filesystem::path& path, Time now,
                              const std::function<void(const std::string&)>& say);

  /// What a build inherits.
  int Inherited() const { return file_.Get(); }

 private:
  explicit RunLock(Descriptor file) : file_(std::move(file)) {}
  Descriptor file_;
};

}  // namespace imagebatch::local
