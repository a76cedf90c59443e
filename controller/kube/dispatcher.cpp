#include "kube/dispatcher.h"

#include <utility>

namespace imagebatch::kube {
namespace {

constexpr const char* kStopped = "given up: stopping";

}  // namespace

Dispatcher::Dispatcher(ApiClient& client, Callback callback, uint64_t seed, int connections)
    : client_(client), callback_(std::move(callback)), queue_(connections, seed) {
  const int threads = connections + RequestQueue::kEvents + RequestQueue::kLogs;
  for (int i = 0; i < threads; ++i) workers_.emplace_back([this] { Work(); });
}

void Dispatcher::Submit(uint64_t id, Request request) {
  {
    const MutexLock lock(mutex_);
    if (!stopping_) {
      queue_.Add(id, std::move(request));
      wake_.NotifyOne();
      return;
    }
  }
  callback_(id, Fail(kStopped));
}

bool Dispatcher::Drain(std::chrono::milliseconds at_most) {
  const SteadyTime until = std::chrono::steady_clock::now() + at_most;
  const MutexLock lock(mutex_);
  const auto drained = [this]() REQUIRES(mutex_) { return queue_.Empty() && delivering_ == 0; };
  while (!drained() && empty_.WaitUntil(mutex_, until)) {
  }
  return drained();
}

void Dispatcher::Stop() {
  {
    const MutexLock lock(mutex_);
    if (std::exchange(stopping_, true)) return;
    wake_.NotifyAll();
  }
  for (std::thread& worker : workers_) worker.join();
  while (true) {
    std::optional<RequestQueue::Ticket> ticket;
    {
      const MutexLock lock(mutex_);
      ticket = queue_.Abandon();
    }
    if (!ticket) return;
    callback_(ticket->id, Fail(kStopped));
  }
}

void Dispatcher::Work() {
  MutexLock lock(mutex_);
  while (!stopping_) {
    auto ticket = queue_.Take(std::chrono::steady_clock::now());
    if (!ticket) {
      const auto next = queue_.NextTake();
      next ? static_cast<void>(wake_.WaitUntil(mutex_, *next)) : wake_.Wait(mutex_);
      continue;
    }
    WakeAnother();
    const uint64_t id = ticket->id;
    const bool sent = ticket->turned_away.empty();
    Result<Response> result = Fail(ticket->turned_away);
    ++delivering_;
    lock.Unlock();
    if (sent) result = client_.Send(ticket->request);
    lock.Lock();
    const bool again = sent && !queue_.Finish(std::move(*ticket), result, std::chrono::steady_clock::now());
    if (!again) {
      WakeAnother();
      lock.Unlock();
      callback_(id, std::move(result));
      lock.Lock();
    }
    --delivering_;
    if (queue_.Empty() && delivering_ == 0) empty_.NotifyAll();
  }
}

// As long as a request may be sent, now or later, and a worker sleeps, one of the sleepers must be awake or
// have a timer for it.
void Dispatcher::WakeAnother() {
  if (queue_.NextTake()) wake_.NotifyOne();
}

}  // namespace imagebatch::kube
