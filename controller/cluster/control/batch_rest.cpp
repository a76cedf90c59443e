// A finished batch at rest: nothing of it but how it ended is kept, until something asks for more.
#include "batch/read.h"
#include "cluster/control/batch_control.h"
#include "cluster/objects/names.h"
#include "cluster/objects/reply.h"

namespace imagebatch::cluster {

using nlohmann::json;

/// It is finished, and the status says so of the spec of now: a changed one may ask for more.
bool BatchControl::EndIsTold() const {
  const json& status = status_.known();
  return completion_ && !RerunDue() && rerun_told_ && status.contains("completionTime") &&
         status.value("observedGeneration", int64_t{0}) == batch_.generation;
}

/// After a restart: none of its objects asks for work.
bool BatchControl::NothingIsLeft() const {
  const auto asks = [](const auto& seen) { return AsksForWork(seen); };
  return parked_.jobs.None(asks) && parked_.pods.None(asks);
}

bool BatchControl::AsksForWork(const JobSeen& seen) {
  return seen.change == Change::Upsert && !Finished(seen.view);
}
bool BatchControl::AsksForWork(const PodSeen& seen) {
  return seen.change == Change::Upsert && MayRun(seen.view);
}

void BatchControl::Rest(Now now) {
  degraded_.SetInput("", "", now);
  shown_.emplace();
  if (work_) {
    work_->Fill(*shown_);
  } else {
    shown_->stages = StagesIn(status_.known());
    start_ = ParseTime(status_.known().value("startTime", ""));
  }
  work_.reset();
  salvaged_ = handing_over_ = false;
  input_.reset();
  results_.Forget();
  parked_ = {};
  batch_.images = {};
  batch_.stages = {};
  at_rest_ = true;
}

/// The spec is read again, from which all else follows as after a restart.
void BatchControl::Wake() {
  at_rest_ = false;
  spec_known_ = false;
}

void BatchControl::ReadAgain(Now now) {
  if (reading_ || !backoff_.Due(now.steady)) return;
  reading_ = true;
  channel_.Get({Purpose::ReadBatch, ""}, BatchPath(batch_.ns, batch_.name),
               [this](const Result<kube::Response>& response, Now replied) {
                 reading_ = false;
                 auto object = Ok(response) ? batch::ReadStored(response->body) : std::nullopt;
                 if (!object || (*object)["metadata"].value("uid", "") != batch_.uid)
                   return backoff_.Failed(replied.steady);
                 backoff_.Succeeded();
                 if (!spec_known_) OnObject(*object);
               });
}

}  // namespace imagebatch::cluster
