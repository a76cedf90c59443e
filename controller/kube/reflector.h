#pragma once
#include <atomic>
#include <string>
#include <string_view>
#include <thread>

#include "base/mutex.h"
#include "kube/client.h"
#include "kube/decode.h"
#include "kube/line_splitter.h"
#include "kube/list_watch.h"

namespace imagebatch::kube {

enum class Change { Listed, Added, Modified, Deleted };

/// Where a reflector puts what it sees. All calls come from the reflector's thread, and while one runs
/// nothing is read from the server: parse the object, put the digest in a queue, and return.
class WatchSink {
 public:
  virtual ~WatchSink() = default;

  /// A list begins. One that could not be finished begins again, without an OnListEnd between.
  virtual void OnListBegin() = 0;
  /// One object as JSON, with SIMDJSON_PADDING readable bytes after it; valid during the call. An object
  /// that cannot be understood is the sink's own affair and does not end the watch.
  virtual void OnObject(Change change, std::string_view json) = 0;
  /// The list is complete: what was known and not Listed since OnListBegin is gone.
  virtual void OnListEnd(const std::string& resource_version) = 0;
  /// Nothing has changed up to this version; a sign of life.
  virtual void OnBookmark(const std::string& resource_version) = 0;
  /// The list or watch ended and will begin anew. `detail` is one line for a log.
  virtual void OnRestart(RestartReason reason, const std::string& detail) = 0;
  /// Whether the server answers, on each change of it. Unhealthy until the first answer.
  virtual void OnHealth(bool healthy, const std::string& detail) = 0;
};

/// What to watch.
struct Collection {
  std::string path;              // /apis/batch/v1/namespaces/x/jobs
  std::string label_selector;    // empty: all
  int page = 500;                // objects in one reply to a list; a reply has at most 64 MiB
  std::string field_selector{};  // empty: all
};

struct ReflectorTiming {
  /// Without a byte for so long the connection is taken for dead. A watch may be silent that long with good
  /// reason, for bookmarks come about every minute but are not promised; beginning anew costs little.
  std::chrono::milliseconds idle = std::chrono::seconds(90);
  BackoffRange backoff{std::chrono::milliseconds(500), std::chrono::seconds(30)};
};

/// Keeps a sink informed of one collection on a thread of its own: lists it, watches it, and goes on for ever
/// whatever happens to the connection.
class Reflector {
 public:
  /// Starts at once. `seed`: of the jitter.
  Reflector(ApiClient& client, Collection collection, WatchSink& sink, uint64_t seed,
            ReflectorTiming timing = {});
  ~Reflector() { Stop(); }
  Reflector(const Reflector&) = delete;
  Reflector& operator=(const Reflector&) = delete;

  /// Ends the thread; afterwards the sink is not called again. A watch ends within 100 ms, a list with its
  /// reply (or with HttpTransport::Shutdown).
  void Stop();

 private:
  struct End {
    RestartReason reason;
    std::string detail;
    std::optional<std::chrono::seconds> retry_after;
  };

  void Run();
  std::optional<End> List(const ListWatch::Step& step);
  End Watch(const ListWatch::Step& step);
  std::optional<End> OnLines();
  std::optional<End> OnEvent(std::string_view line);
  bool SleepUntil(SteadyTime time);
  void SetHealth(bool healthy, const std::string& detail);
  Request MakeRequest(const std::string& query) const;

  ApiClient& client_;
  const Collection collection_;
  WatchSink& sink_;
  const ReflectorTiming timing_;
  ListWatch list_watch_;
  Decoder decoder_;
  LineSplitter lines_;
  bool healthy_ = false;
  bool reported_ = false;  // healthy_ has been told to the sink

  std::atomic<bool> stop_ = false;
  Mutex mutex_;  // held where stop_ changes, so that a sleeper cannot miss it
  Condition wake_;
  std::thread thread_;
};

}  // namespace imagebatch::kube
