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
    const std::lock_guard lock(mutex_);
    if (!stopping_) {
      queue_.Add(id, std::move(request));
      wake_.notify_one();
      return;
    }
  }
  callback_(id, Fail(kStopped));
}

bool Dispatcher::Drain(std::chrono::milliseconds at_most) {
  std::unique_lock lock(mutex_);
  return empty_.wait_for(lock, at_most, [this] { return queue_.Empty() && delivering_ == 0; });
}

void Dispatcher::Stop() {
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(stopping_, true)) return;
    wake_.notify_all();
  }
  for (std::thread& worker : workers_) worker.join();
  // The workers are gone: nothing else touches the queue
  while (auto ticket = queue_.Abandon()) callback_(ticket->id, Fail(kStopped));
}

void Dispatcher::Work() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    auto ticket = queue_.Take(std::chrono::steady_clock::now());
    if (!ticket) {
      const auto next = queue_.NextTake();
      next ? static_cast<void>(wake_.wait_until(lock, *next)) : wake_.wait(lock);
      continue;
    }
    WakeAnother();
    const uint64_t id = ticket->id;
    const bool sent = ticket->turned_away.empty();
    Result<Response> result = Fail(ticket->turned_away);
    ++delivering_;
    lock.unlock();
    if (sent) result = client_.Send(ticket->request);
    lock.lock();
    const bool again = sent && !queue_.Finish(std::move(*ticket), result, std::chrono::steady_clock::now());
    if (!again) {
      WakeAnother();
      lock.unlock();
      callback_(id, std::move(result));
      lock.lock();
    }
    --delivering_;
    if (queue_.Empty() && delivering_ == 0) empty_.notify_all();
  }
}

// As long as a request may be sent, now or later, and a worker sleeps, one of the sleepers must be awake or
// have a timer for it.
void Dispatcher::WakeAnother() {
  if (queue_.NextTake()) wake_.notify_one();
}

}  // namespace imagebatch::kube
