#include "local/pages.h"

#include <utility>

namespace imagebatch::local {

Result<void> Pages::Start(const std::string& address) {
  if (address.empty()) return {};
  auto server =
      metrics::Server::Start(address, {[this] { return Shown(); },
                                       [] {
                                         return metrics::Health{{true, "running"}, {true, "running"}};
                                       },
                                       IMAGEBATCH_VERSION});
  if (!server) return tl::unexpected(server.error());
  server_ = std::move(*server);
  return {};
}

std::shared_ptr<const metrics::Snapshot> Pages::Shown() const {
  const MutexLock lock(mutex_);
  return shown_;
}

void Pages::Show(const Work& work, Time start) {
  if (!server_) return;
  auto snapshot = std::make_shared<metrics::Snapshot>();
  metrics::BatchSample sample = work.Sample();
  sample.start = start;
  snapshot->batches.push_back(std::make_shared<const metrics::BatchSample>(std::move(sample)));
  snapshot->totals = work.totals();
  const MutexLock lock(mutex_);
  shown_ = std::move(snapshot);
}

}  // namespace imagebatch::local
