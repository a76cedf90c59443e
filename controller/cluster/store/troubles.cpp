#include "cluster/store/troubles.h"

#include <algorithm>

#include "base/keep_sooner.h"
#include "base/text.h"
#include "cluster/objects/reply.h"

namespace imagebatch::cluster {
namespace {

using std::chrono::minutes;

constexpr minutes kLasting(1);
constexpr minutes kQuiet(1);
constexpr minutes kForgotten(3);   // longer than any pause between two tries
constexpr size_t kSubjects = 100;  // of one purpose; what fails beside them fails alike

/// No answer, or a token that is not accepted.
bool IsEverybodys(int status) { return status == 0 || status == 401; }

}  // namespace

void Troubles::Sent(const Errand& errand) {
  auto& trouble = troubles_[static_cast<size_t>(errand.purpose)];
  if (!trouble) return;
  const auto subject = trouble->subjects.find(errand.subject);
  if (subject != trouble->subjects.end()) subject->second.under_way = true;
}

void Troubles::Answered(const Errand& errand, const Result<kube::Response>& response, Now now) {
  auto& trouble = troubles_[static_cast<size_t>(errand.purpose)];
  if (!Failed(errand.purpose, response)) {
    if (!trouble) return;
    trouble->subjects.erase(errand.subject);
    trouble->subjects.erase("");
    return;
  }
  const bool begun = !trouble;
  if (begun) {
    trouble = Trouble{};
    trouble->since = now;
  }
  const bool known = trouble->subjects.contains(errand.subject);
  if (known || trouble->subjects.size() < kSubjects) {
    Failing& failing = trouble->subjects[errand.subject];
    if (!known) failing.since = now;
    failing.tried = now.steady;
    failing.under_way = false;
  }
  trouble->failed = now.steady;
  // Which one of many says it is no news
  const int status = response ? response->status : 0;
  if (begun || status != trouble->status)
    trouble->message = (errand.subject.empty() ? "" : errand.subject + ": ") + ErrorMessage(response);
  trouble->status = status;
  if (begun) news_.push_back({Turn::Begun, errand.purpose, now, trouble->message, IsEverybodys(status)});
}

void Troubles::Restore(Purpose purpose, std::string message, Now since) {
  auto& trouble = troubles_[static_cast<size_t>(purpose)];
  trouble = Trouble{};
  trouble->since = since;
  trouble->failed = since.steady;
  trouble->message = std::move(message);
  trouble->status = 200;  // not known any more
  trouble->lasting = true;
  trouble->subjects[""] = {since, since.steady + kLasting, false};
}

void Troubles::Look(Purpose purpose, Now now) {
  auto& trouble = troubles_[static_cast<size_t>(purpose)];
  std::erase_if(trouble->subjects, [&](const auto& subject) {
    return !subject.second.under_way && now.steady >= subject.second.tried + kForgotten;
  });
  if (trouble->subjects.empty()) {
    if (!trouble->lasting && now.steady < trouble->failed + kQuiet) return;
    news_.push_back({Turn::Over, purpose, trouble->since, trouble->message, IsEverybodys(trouble->status)});
    trouble.reset();
    return;
  }
  if (trouble->lasting) return;
  for (const auto& [name, failing] : trouble->subjects) {
    if (now.steady < failing.since.steady + kLasting) continue;
    trouble->lasting = true;
    news_.push_back({Turn::Lasting, purpose, failing.since, trouble->message, IsEverybodys(trouble->status)});
    return;
  }
}

std::vector<Troubles::News> Troubles::Take(Now now) {
  for (size_t i = 0; i < kPurposes; ++i) {
    if (troubles_[i]) Look(static_cast<Purpose>(i), now);
  }
  return std::exchange(news_, {});
}

std::optional<SteadyTime> Troubles::Next() const {
  if (!news_.empty()) return SteadyTime{};
  std::optional<SteadyTime> next;
  for (const auto& trouble : troubles_) {
    if (!trouble) continue;
    if (trouble->subjects.empty())
      KeepSooner(next, trouble->lasting ? trouble->failed : trouble->failed + kQuiet);
    for (const auto& [name, failing] : trouble->subjects) {
      if (!trouble->lasting) KeepSooner(next, failing.since.steady + kLasting);
      if (!failing.under_way) KeepSooner(next, failing.tried + kForgotten);
    }
  }
  return next;
}

std::vector<Troubles::News> Troubles::Lasting() const {
  std::vector<News> lasting;
  for (size_t i = 0; i < kPurposes; ++i) {
    const auto& trouble = troubles_[i];
    if (trouble && trouble->lasting && !trouble->subjects.empty()) {
      lasting.push_back({Turn::Lasting, static_cast<Purpose>(i), trouble->since, trouble->message,
                         IsEverybodys(trouble->status)});
    }
  }
  return lasting;
}

std::optional<Time> Troubles::FailingSince(Purpose purpose) const {
  const auto& trouble = troubles_[static_cast<size_t>(purpose)];
  std::optional<Time> since;
  if (!trouble) return since;
  for (const auto& [name, failing] : trouble->subjects) {
    if (!since || failing.since.wall < *since) since = failing.since.wall;
  }
  return since;
}

}  // namespace imagebatch::cluster
