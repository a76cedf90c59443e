#include "cluster/store/degraded.h"

#include "log/log.h"

namespace imagebatch::cluster {
namespace {

using nlohmann::json;
using std::chrono::minutes;
using std::chrono::seconds;

/// The purpose whose failures a condition tells of.
std::optional<Purpose> PurposeOf(const std::string& reason) {
  for (size_t i = 0; i < kPurposes; ++i) {
    const auto purpose = static_cast<Purpose>(i);
    if (Reason(purpose) == reason) return purpose;
  }
  return std::nullopt;
}

std::string Sentence(const Troubles::News& trouble) {
  return std::string(Complaint(trouble.purpose)) + " (" + trouble.message + ")";
}

}  // namespace

void Degraded::Restore(const json& status, Now now) {
  const auto conditions = status.find("conditions");
  if (conditions == status.end() || !conditions->is_array()) return;
  for (const json& condition : *conditions) {
    if (condition.value("type", "") != "Degraded" || condition.value("status", "") != "True") continue;
    reason_ = condition.value("reason", "");
    message_ = condition.value("message", "");
    const auto purpose = PurposeOf(reason_);
    if (!purpose) {
      input_reason_ = reason_;
      input_message_ = message_;
      return;
    }
    // The first of the sentences that it is made of, without its words
    std::string refusal = message_.substr(0, message_.find("); "));
    const std::string words = std::string(Complaint(*purpose)) + " (";
    if (refusal.starts_with(words)) refusal.erase(0, words.size());
    if (refusal.ends_with(")")) refusal.pop_back();
    const Time since = ParseTime(condition.value("lastTransitionTime", "")).value_or(now.wall);
    channel_.MakeTroubles().Restore(*purpose, refusal, {since, now.steady - minutes(1)});
  }
}

void Degraded::SetInput(const std::string& reason, const std::string& message, Now now) {
  if (!reason.empty() && (reason != input_reason_ || message != input_message_))
    events_.Warning(reason, message, now);
  input_reason_ = reason;
  input_message_ = message;
}

bool Degraded::Step(Now now) {
  std::string reason = input_reason_, message = input_message_;
  if (Troubles* troubles = channel_.troubles()) {
    for (const Troubles::News& news : troubles->Take(now)) Tell(news, now);
    for (const Troubles::News& trouble : troubles->Lasting()) {
      if (reason.empty()) reason = Reason(trouble.purpose);
      message += (message.empty() ? "" : "; ") + Sentence(trouble);
    }
  }
  if (reason == reason_ && message == message_) return false;
  reason_ = std::move(reason);
  message_ = std::move(message);
  return true;
}

void Degraded::Tell(const Troubles::News& news, Now now) {
  const log::Subject subject{batch_.ns, batch_.name, {}, Reason(news.purpose)};
  switch (news.turn) {
    case Troubles::Turn::Begun:
      // The watches or Requests meet the same, and say so once for all batches
      if (news.everybodys) return;
      logged_.insert(news.purpose);
      return log::Warn(Sentence(news) + "; it will be retried", subject);
    case Troubles::Turn::Lasting:
      return events_.Unlogged("Warning", Reason(news.purpose), Sentence(news) + "; it will be retried", now);
    case Troubles::Turn::Over: {
      if (logged_.erase(news.purpose) == 0) return;
      const auto lasted = std::chrono::duration_cast<seconds>(now.steady - news.since.steady);
      return log::Info(
          std::string(Complaint(news.purpose)) + ": resolved after " + std::to_string(lasted.count()) + " s",
          subject);
    }
  }
}

std::optional<SteadyTime> Degraded::Next() const {
  const Troubles* troubles = channel_.troubles();
  return troubles == nullptr ? std::nullopt : troubles->Next();
}

}  // namespace imagebatch::cluster
