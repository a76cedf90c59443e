#pragma once
#include <cstdint>
#include <optional>
#include <random>
#include <string>

#include "base/time.h"
#include "kube/backoff.h"

namespace imagebatch::kube {

/// Why a watch began anew; also the label `reason` of imagebatch_watch_restarts_total.
enum class RestartReason {
  Gone,    // 410: the resourceVersion or continue token is too old, so everything is listed again
  Ended,   // the server ended the stream, as it does every few minutes
  Idle,    // nothing came for so long that the connection may be dead
  Failed,  // no connection, no answer, no right, a server in trouble: asked again where it stopped
  Broken,  // a request that is refused or a reply that cannot be read: what was missed is not known, so
           // everything is listed again
};
const char* Label(RestartReason reason);  // "410", "eof", "idle", "error", "broken"

/// The list-and-watch protocol of one collection as a state machine without I/O: what to ask next, and when.
/// https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
class ListWatch {
 public:
  struct Step {
    enum class Kind { List, Watch } kind = Kind::List;
    std::string query;  // to go behind the collection's path
    bool first_page = false;
    SteadyTime not_before = SteadyTime::min();
  };

  /// `page`: objects per page of a list, at most.
  ListWatch(int page, BackoffRange backoff, uint64_t seed);

  /// What to do now. Tell what came of it with the functions below before asking again.
  Step Next();

  /// A page came. True: it was the last.
  bool OnPage(std::string resource_version, std::string continue_token);
  /// The watch was accepted.
  void OnOpen(SteadyTime now);
  /// An event or a bookmark brought this version (empty: an object without one).
  void OnProgress(const std::string& resource_version);
  /// The page that was asked for is more than can be had at once: too large, or too slow. The next ones are
  /// half as large, at least kSmallestPage; each whole list doubles them again. Before OnEnd.
  void OnPageTooLarge();
  /// The list or the watch ended. No Retry-After is waited for longer than a minute.
  void OnEnd(RestartReason reason, SteadyTime now, std::optional<std::chrono::seconds> retry_after = {});

  /// So many objects fit into one reply, whatever they are: etcd takes 1.5 MiB for each.
  static constexpr int kSmallestPage = 8;

  const std::string& resource_version() const { return resource_version_; }

 private:
  const int full_page_;
  int page_;
  BackoffRange backoff_;
  std::mt19937_64 random_;
  Step::Kind next_ = Step::Kind::List;
  std::string resource_version_, continue_token_;
  std::optional<SteadyTime> opened_;  // of the running watch
  bool progressed_ = false;           // since then
  int failures_ = 0;                  // in a row
  SteadyTime not_before_ = SteadyTime::min();
};

}  // namespace imagebatch::kube
