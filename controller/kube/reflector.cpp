#include "kube/reflector.h"

#include <simdjson.h>

#include <utility>

#include "base/percent_encode.h"
#include "base/text.h"

namespace imagebatch::kube {
namespace {

constexpr int kOk = 200, kUnauthorized = 401, kForbidden = 403, kGone = 410, kTooManyRequests = 429;
constexpr std::chrono::seconds kSlowPage(10);

/// How a refusal of a list or watch is answered. Rights come back, and nothing was missed that the watch does
/// not bring. Other 4xx say that the question is wrong, so it is asked from the beginning; 5xx say nothing
/// about it.
RestartReason ReasonOf(int code) {
  if (code == kGone) return RestartReason::Gone;
  const bool passes = code == kUnauthorized || code == kForbidden || code == kTooManyRequests;
  return code >= 400 && code < 500 && !passes ? RestartReason::Broken : RestartReason::Failed;
}

Change ChangeOf(WatchEvent::Type type) {
  if (type == WatchEvent::Type::Added) return Change::Added;
  return type == WatchEvent::Type::Deleted ? Change::Deleted : Change::Modified;
}

}  // namespace

Reflector::Reflector(ApiClient& client, Collection collection, WatchSink& sink, uint64_t seed,
                     ReflectorTiming timing)
    : client_(client),
      collection_(std::move(collection)),
      sink_(sink),
      timing_(timing),
      list_watch_(collection_.page, timing.backoff, seed),
      thread_([this] { Run(); }) {}

void Reflector::Stop() {
  {
    const MutexLock lock(mutex_);
    stop_ = true;
    wake_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
}

void Reflector::Run() {
  while (true) {
    const ListWatch::Step step = list_watch_.Next();
    if (!SleepUntil(step.not_before)) return;
    const std::optional<End> end = step.kind == ListWatch::Step::Kind::List ? List(step) : Watch(step);
    if (stop_) return;
    if (!end) continue;
    list_watch_.OnEnd(end->reason, std::chrono::steady_clock::now(), end->retry_after);
    sink_.OnRestart(end->reason, end->detail);
    if (end->reason == RestartReason::Failed || end->reason == RestartReason::Broken)
      SetHealth(false, end->detail);
  }
}

std::optional<Reflector::End> Reflector::List(const ListWatch::Step& step) {
  const SteadyTime begin = std::chrono::steady_clock::now();
  auto response = client_.Send(MakeRequest(step.query));
  if (!response) {
    const bool slow = std::chrono::steady_clock::now() - begin >= kSlowPage;
    if (slow || response.error().message == kTooLarge) list_watch_.OnPageTooLarge();
    return End{RestartReason::Failed, "list: " + response.error().message, {}};
  }
  if (response->status != kOk)
    return End{ReasonOf(response->status), "list: " + Describe(Refusal(*response)), response->retry_after};
  if (stop_) return std::nullopt;
  if (step.first_page) sink_.OnListBegin();
  response->body.reserve(response->body.size() + simdjson::SIMDJSON_PADDING);
  auto page = decoder_.ReadList(response->body,
                                [this](std::string_view item) { sink_.OnObject(Change::Listed, item); });
  if (!page) return End{RestartReason::Broken, page.error().message, {}};
  if (list_watch_.OnPage(std::move(page->resource_version), std::move(page->continue_token)))
    sink_.OnListEnd(list_watch_.resource_version());
  SetHealth(true, "");
  return std::nullopt;
}

Reflector::End Reflector::Watch(const ListWatch::Step& step) {
  lines_ = LineSplitter();
  Response refusal;
  std::optional<End> end;
  SteadyTime last_byte = std::chrono::steady_clock::now();

  const auto on_head = [&](const Response& head) {
    refusal = head;
    if (head.status != kOk) return true;  // its body says why
    last_byte = std::chrono::steady_clock::now();
    list_watch_.OnOpen(last_byte);
    SetHealth(true, "");
    return true;
  };
  const auto on_data = [&](std::string_view piece) {
    last_byte = std::chrono::steady_clock::now();
    if (refusal.status != kOk) {
      constexpr size_t kMaxRefusal = size_t{64} * 1024;
      refusal.body.append(piece.substr(0, kMaxRefusal - std::min(kMaxRefusal, refusal.body.size())));
      return true;
    }
    if (!lines_.Feed(piece)) end = End{RestartReason::Broken, "watch: a line is too long", {}};
    if (!end) end = OnLines();
    return !end.has_value();
  };
  const auto streamed = client_.Stream(MakeRequest(step.query), timing_.idle, stop_, on_head, on_data);

  if (end) return std::move(*end);
  if (!streamed) {
    const bool idle = std::chrono::steady_clock::now() - last_byte >= timing_.idle;
    return End{idle && refusal.status == kOk ? RestartReason::Idle : RestartReason::Failed,
               "watch: " + streamed.error().message,
               {}};
  }
  if (refusal.status != kOk)
    return End{ReasonOf(refusal.status), "watch: " + Describe(Refusal(refusal)), refusal.retry_after};
  // A Status in place of a stream need not end with a line feed. Anything else there was cut off, and comes
  // again.
  if (const auto status = ReadStatus(lines_.Rest()))
    return End{ReasonOf(status->code), "watch: " + Describe(*status), {}};
  return End{RestartReason::Ended, "watch: ended by the server", {}};
}

/// Hands on the whole lines there are. Nothing: the watch goes on.
std::optional<Reflector::End> Reflector::OnLines() {
  for (std::string_view line; !stop_ && lines_.Next(line);) {
    if (auto end = OnEvent(line)) return end;
  }
  return std::nullopt;
}

std::optional<Reflector::End> Reflector::OnEvent(std::string_view line) {
  const auto event = decoder_.ReadEvent(line);
  if (!event) return End{RestartReason::Broken, "watch: " + event.error().message, {}};
  if (event->type == WatchEvent::Type::Error)
    return End{ReasonOf(event->status.code), "watch: " + Describe(event->status), {}};
  list_watch_.OnProgress(event->resource_version);
  if (event->type == WatchEvent::Type::Bookmark)
    sink_.OnBookmark(event->resource_version);
  else
    sink_.OnObject(ChangeOf(event->type), event->object);
  return std::nullopt;
}

/// False: stopped before.
bool Reflector::SleepUntil(SteadyTime time) {
  if (time <= std::chrono::steady_clock::now()) return !stop_;
  const MutexLock lock(mutex_);
  while (!stop_ && wake_.WaitUntil(mutex_, time)) {
  }
  return !stop_;
}

void Reflector::SetHealth(bool healthy, const std::string& detail) {
  if (std::exchange(reported_, true) && healthy == healthy_) return;
  healthy_ = healthy;
  sink_.OnHealth(healthy, detail);
}

Request Reflector::MakeRequest(const std::string& query) const {
  std::string path = collection_.path + "?" + query;
  if (!collection_.label_selector.empty())
    path.append("&labelSelector=").append(PercentEncode(collection_.label_selector));
  if (!collection_.field_selector.empty())
    path.append("&fieldSelector=").append(PercentEncode(collection_.field_selector));
  Request request;
  request.path = std::move(path);
  return request;
}

}  // namespace imagebatch::kube
