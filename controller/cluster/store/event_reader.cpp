#include "cluster/store/event_reader.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "cluster/objects/reply.h"

namespace imagebatch::cluster {

void EventReader::Ask(EventKind kind, Subject subject, Now now) {
  Reading& reading = Of(kind);
  reading.asked.push_back(std::move(subject));
  if (!reading.due) reading.due = std::max(now.steady + kGather, reading.last + kPause);
}

void EventReader::Step(Now now) {
  for (size_t i = 0; i < kEventKinds; ++i) {
    Reading& reading = readings_[i];
    if (reading.list || !reading.due || now.steady < *reading.due) continue;
    reading.due.reset();
    reading.last = now.steady;
    if (reading.asked.size() > kFew) {
      ReadAll(static_cast<EventKind>(i));
      continue;
    }
    for (const Subject& subject : std::exchange(reading.asked, {})) ReadOne(subject);
  }
}

std::optional<SteadyTime> EventReader::Next() const {
  std::optional<SteadyTime> next;
  for (const Reading& reading : readings_) {
    if (!reading.list && reading.due && (!next || *reading.due < *next)) next = reading.due;
  }
  return next;
}

void EventReader::ReadOne(const Subject& subject) {
  kube::Request request = EventsRequest(ns_, subject.uid);
  channel_.Send({Purpose::ReadEvents, subject.job}, std::move(request),
                [this, subject](const Result<kube::Response>& response, Now now) {
                  EventsAnswer answer;
                  if (Ok(response)) answer = {true, FindTelling(response->body)};
                  on_events_(subject, answer, now);
                });
}

void EventReader::ReadAll(EventKind kind) {
  Reading& reading = Of(kind);
  reading.served = std::exchange(reading.asked, {});
  std::unordered_set<std::string> uids;
  for (const Subject& subject : reading.served) uids.insert(subject.uid);
  for (Subject& subject : followers_(kind)) {
    if (uids.insert(subject.uid).second) reading.served.push_back(std::move(subject));
  }
  reading.list.emplace(std::move(uids));
  reading.pages = 0;
  ReadPage(kind);
}

void EventReader::ReadPage(EventKind kind) {
  Reading& reading = Of(kind);
  ++reading.pages;
  channel_.Send(
      {Purpose::ReadEvents, ""}, EventsRequest(ns_, kind, reading.list->next()),
      [this, kind](const Result<kube::Response>& response, Now now) { OnPage(kind, response, now); });
}

void EventReader::OnPage(EventKind kind, const Result<kube::Response>& response, Now now) {
  Reading& reading = Of(kind);
  const bool taken = Ok(response) && reading.list->Take(response->body);
  const bool more = taken && !reading.list->next().empty();
  if (more && reading.pages < kPages) return ReadPage(kind);
  const bool whole = taken && !more;
  const EventsOfMany list = *std::exchange(reading.list, std::nullopt);
  for (const Subject& subject : std::exchange(reading.served, {})) {
    const auto event = list.Of(subject.uid);
    on_events_(subject, {whole || event.has_value(), event}, now);
  }
}

}  // namespace imagebatch::cluster
