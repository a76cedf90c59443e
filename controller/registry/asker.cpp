#include "registry/asker.h"

#include <utility>

#include "registry/manifest_reply.h"

namespace imagebatch::registry {
namespace {

constexpr size_t kWorkers = 8;  // one registry that does not answer leaves half of them to the others
constexpr size_t kMostGrants = 2000;

std::string RepositoryOf(const ImagePlace& place) { return place.registry + "/" + place.repository; }

}  // namespace

Asker::Asker(Connect connect, const Clock& clock, Callback callback, std::chrono::milliseconds deadline)
    : connect_(std::move(connect)), clock_(clock), callback_(std::move(callback)), deadline_(deadline) {}

void Asker::SetAccess(Access access) {
  auto shared = std::make_shared<const Access>(std::move(access));
  const MutexLock lock(mutex_);
  access_ = std::move(shared);
  grants_.clear();
  wake_.NotifyAll();
}

void Asker::Submit(Question question) {
  const uint64_t id = question.id;
  {
    const MutexLock lock(mutex_);
    if (!stopping_) {
      queue_.Add(std::move(question));
      while (workers_.size() < kWorkers) workers_.emplace_back([this] { Work(); });
      wake_.NotifyOne();
      return;
    }
  }
  callback_(id, Unreachable("given up: stopping"));
}

void Asker::Stop() {
  std::vector<std::thread> workers;
  {
    const MutexLock lock(mutex_);
    if (std::exchange(stopping_, true)) return;
    for (const auto& [name, server] : servers_) server->Shutdown();
    wake_.NotifyAll();
    stopped_.NotifyAll();
    workers.swap(workers_);
  }
  for (std::thread& worker : workers) worker.join();
  while (true) {
    std::optional<QuestionQueue::Ticket> ticket;
    {
      const MutexLock lock(mutex_);
      ticket = queue_.Abandon();
    }
    if (!ticket) return;
    callback_(ticket->question.id, Unreachable("given up: stopping"));
  }
}

void Asker::Work() {
  MutexLock lock(mutex_);
  while (!stopping_) {
    if (!access_) {
      wake_.Wait(mutex_);
      continue;
    }
    const SteadyTime now = clock_.Steady();
    auto ticket = queue_.Take(now);
    if (!ticket) {
      const auto next = queue_.NextTake(now);
      next ? static_cast<void>(wake_.WaitUntil(mutex_, *next)) : wake_.Wait(mutex_);
      continue;
    }
    wake_.NotifyOne();  // there may be another
    lock.Unlock();
    Answer answer = ticket->answer ? std::move(*ticket->answer) : Ask(ticket->place);
    lock.Lock();
    if (!ticket->answer) {
      queue_.Finish(*ticket, answer, clock_.Steady());
      wake_.NotifyOne();
    }
    lock.Unlock();
    callback_(ticket->question.id, std::move(answer));
    lock.Lock();
  }
}

Answer Asker::Ask(const ImagePlace& place) {
  std::shared_ptr<const Access> access;
  {
    const MutexLock lock(mutex_);
    access = access_;
  }
  Inquiry inquiry(place, access, GrantFor(place));
  Inquiry::Move move = inquiry.Begin(clock_.Now());
  while (const auto* send = std::get_if<Inquiry::Send>(&move)) move = inquiry.Take(Send(*send), clock_.Now());
  Keep(place, inquiry.grant());
  return std::get<Answer>(std::move(move));
}

Result<kube::Response> Asker::Send(const Inquiry::Send& send) {
  std::shared_ptr<kube::HttpTransport> server;
  SteadyTime turn;
  {
    const MutexLock lock(mutex_);
    if (stopping_) return Fail("stopping");
    std::shared_ptr<kube::HttpTransport>& known = servers_[send.url.Server()];
    if (!known) {
      auto made = connect_(send.url.Server());
      if (!made) {
        servers_.erase(send.url.Server());
        return tl::unexpected(made.error());
      }
      known = std::move(*made);
    }
    server = known;
    turn = queue_.Reserve(send.url.host, clock_.Steady());
  }
  if (!Await(turn)) return Fail("stopping");
  return server->Send(send.request, deadline_);
}

/// False: stopping.
bool Asker::Await(SteadyTime time) {
  const MutexLock lock(mutex_);
  while (!stopping_ && clock_.Steady() < time) static_cast<void>(stopped_.WaitUntil(mutex_, time));
  return !stopping_;
}

Grant Asker::GrantFor(const ImagePlace& place) {
  const MutexLock lock(mutex_);
  const auto at = grants_.find(RepositoryOf(place));
  return at == grants_.end() ? Grant() : at->second;
}

void Asker::Keep(const ImagePlace& place, const Grant& grant) {
  const Time now = clock_.Now();
  const MutexLock lock(mutex_);
  if (grants_.size() >= kMostGrants)
    std::erase_if(grants_, [&](const auto& each) { return each.second.until <= now; });
  if (grants_.size() >= kMostGrants) grants_.clear();
  if (grant.authorization.empty()) {
    grants_.erase(RepositoryOf(place));
  } else {
    grants_.insert_or_assign(RepositoryOf(place), grant);
  }
}

}  // namespace imagebatch::registry
