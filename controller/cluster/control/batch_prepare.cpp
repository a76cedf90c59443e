// How a batch comes to its work: from its input, or without it from what the cluster holds.
#include <algorithm>
#include <utility>

#include "cluster/control/batch_control.h"
#include "cluster/control/salvage.h"

namespace imagebatch::cluster {
namespace {

using nlohmann::json;

/// Input that is not the one the batch has started with is read again after so long, and ever more seldom:
/// it may have been restored.
constexpr std::chrono::seconds kReadAgain(30), kLongestPause(300);

}  // namespace

// From the first sight to the point where the work is known: valid input, stored results, existing Jobs.
void BatchControl::Prepare(bool cluster_known, Now now) {
  if (Ending()) return;
  if (!spec_known_) return ReadAgain(now);
  waits_for_lists_ = EndIsTold() && !cluster_known;
  if (waits_for_lists_) return;
  if (!work_ && EndIsTold() && NothingIsLeft() && !channel_.Waits()) return Rest(now);
  if (!spec_problems_.empty()) return Halt("Invalid", spec_problems_, now);
  const bool restored = input_ && other_input_ && now.steady >= read_again_;  // perhaps
  if (!input_ || restored) {
    read_pause_ = restored ? std::min<Duration>(read_pause_ * 2, kLongestPause) : kReadAgain;
    read_again_ = now.steady + read_pause_;
    other_input_ = false;
    input_ = std::make_unique<Input>(batch_, status_.known().contains("startTime"), kit_.runner, channel_);
  }
  const Input::State before = input_->state();
  input_->Step(now);
  if (!work_) results_.Step(now);
  const bool known = results_.loaded() && cluster_known;
  if (input_->state() == Input::State::Lacking || input_->state() == Input::State::Invalid) {
    Reject(now);
    return known ? GoOnWithoutRows(now) : void();
  }
  if (input_->state() != Input::State::Valid || !known) {
    status_due_ = status_due_ || input_->state() != before;
    return known && input_->Failing() ? GoOnWithoutRows(now) : void();
  }
  if (const auto digest = StartedWith(); digest && *digest != input_->digest()) {
    other_input_ = true;
    Halt("InputChanged",
         "the rows or the spec differ from those the batch started with; restore them, or "
         "create a new ImageBatch",
         now);
    return GoOnWithoutRows(now);
  }
  if (salvaged_) return HandOver(now);
  BeginWork(now);
}

/// Says what is lacking, or wrong.
void BatchControl::Reject(Now now) {
  if (input_->state() == Input::State::Invalid) {
    if (!completion_) degraded_.SetInput("", "", now);
    return Halt("Invalid", input_->problems(), now);
  }
  if (completion_ && !RerunDue()) return;
  Resume();
  degraded_.SetInput(input_->reason(), input_->problems(), now);
}

/// The digest of the input it has started with, where this program would make the same of the same input.
std::optional<std::string> BatchControl::StartedWith() const {
  const json& status = status_.known();
  if (status.value("inputDigestVersion", 0) != kDigestVersion) return std::nullopt;
  return status.value("inputDigest", "");
}

// What has begun goes on: it is followed to its end, its results are stored, and hangs are told. Nothing new
// can be started.
void BatchControl::GoOnWithoutRows(Now now) {
  if (work_ || !status_.known().contains("startTime")) return;
  start_ = ParseTime(status_.known().value("startTime", ""));
  input_digest_ = StartedWith().value_or("");
  const std::deque<ResultKey> stored = results_.TakeLoaded();
  salvaged_ = true;
  Begin(Salvage(batch_, parked_.jobs.All(), stored, status_.known()), stored, parked_, now);
}

void BatchControl::Begin(batch::Expansion builds, const std::deque<ResultKey>& stored, ParkedObjects left,
                         Now now) {
  work_ = std::make_unique<Work>(batch_, std::move(builds), kit_, stored,
                                 Work::Sinks{channel_, results_, events_, totals_});
  work_->Apply(rerun_);
  work_->Adopt(std::move(left), ToldIn(status_.known()), now);
  status_due_ = true;
}

// The rows are back. The whole work is begun as after a restart, once nothing of the other is under way.
void BatchControl::HandOver(Now now) {
  if (!results_.Empty()) {
    results_.Hurry();
    return;
  }
  handing_over_ = true;
  if (channel_.Waits()) return;
  handing_over_ = salvaged_ = false;
  work_.reset();
  results_.Forget();
  results_.Step(now);
}

void BatchControl::BeginWork(Now now) {
  Resume();
  degraded_.SetInput("", "", now);
  input_digest_ = input_->digest();
  start_ = ParseTime(status_.known().value("startTime", "")).value_or(now.wall);
  batch::Expansion builds = input_->TakeExpansion();
  input_.reset();
  Begin(std::move(builds), results_.TakeLoaded(), std::exchange(parked_, {}), now);
  if (!status_.known().contains("startTime")) {
    events_.Normal("Started",
                   std::to_string(work_->Total().Total()) + " builds in " +
                       std::to_string(batch_.stages.size()) + " stages",
                   now);
  }
}

}  // namespace imagebatch::cluster
