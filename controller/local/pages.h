#pragma once
#include <memory>
#include <string>

#include "base/mutex.h"
#include "base/result.h"
#include "base/time.h"
#include "local/work.h"
#include "metrics/server.h"

namespace imagebatch::local {

/// /metrics of a batch that runs here: the families of the controller.
class Pages {
 public:
  /// Listens where `address` is not empty.
  Result<void> Start(const std::string& address);
  /// What is shown from now on; free where nobody listens.
  void Show(const Work& work, Time start);

 private:
  std::shared_ptr<const metrics::Snapshot> Shown() const;

  mutable Mutex mutex_;
  std::shared_ptr<const metrics::Snapshot> shown_ GUARDED_BY(mutex_);
  std::unique_ptr<metrics::Server> server_;  // last: its threads ask for the others
};

}  // namespace imagebatch::local
