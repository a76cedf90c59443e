#pragma once
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "base/time.h"
#include "kube/transport.h"
#include "registry/inquiry.h"
#include "registry/question_queue.h"

namespace imagebatch::registry {

/// Asks registries, for a caller that must not wait. It repeats no question: an answer other than There or
/// NotThere is the caller's to act on.
class Asker {
 public:
  /// HTTP to one server: http(s)://host[:port]. It may be anybody's (kube::TransportConfig::foreign).
  using Connect = std::function<Result<std::unique_ptr<kube::HttpTransport>>(const std::string& server)>;
  /// Called once for each question, from a worker thread; must be quick.
  using Callback = std::function<void(uint64_t id, Answer answer)>;

  static constexpr std::chrono::seconds kDeadline{10};  // of each request

  Asker(Connect connect, const Clock& clock, Callback callback,
        std::chrono::milliseconds deadline = kDeadline);
  ~Asker() { Stop(); }
  Asker(const Asker&) = delete;
  Asker& operator=(const Asker&) = delete;

  /// Who may be asked from now on; before the first call all questions wait.
  void SetAccess(Access access);
  /// After Stop it is answered at once, on the caller's thread.
  void Submit(Question question);
  /// Breaks off what is on the wire. Afterwards every question has had its callback.
  void Stop();

 private:
  void Work() EXCLUDES(mutex_);
  Answer Ask(const ImagePlace& place) EXCLUDES(mutex_);
  Result<kube::Response> Send(const Inquiry::Send& send) EXCLUDES(mutex_);
  bool Await(SteadyTime time) EXCLUDES(mutex_);
  Grant GrantFor(const ImagePlace& place) EXCLUDES(mutex_);
  void Keep(const ImagePlace& place, const Grant& grant) EXCLUDES(mutex_);

  const Connect connect_;
  const Clock& clock_;
  const Callback callback_;
  const std::chrono::milliseconds deadline_;

  Mutex mutex_;
  Condition wake_;     // a worker: there may be a question to ask
  Condition stopped_;  // one that waits for a request's turn
  QuestionQueue queue_ GUARDED_BY(mutex_);
  std::shared_ptr<const Access> access_ GUARDED_BY(mutex_);
  std::map<std::string, Grant> grants_ GUARDED_BY(mutex_);  // by registry/repository
  std::map<std::string, std::shared_ptr<kube::HttpTransport>> servers_ GUARDED_BY(mutex_);
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::vector<std::thread> workers_
      GUARDED_BY(mutex_);  // none before the first question: most batches ask nobody
};

}  // namespace imagebatch::registry
