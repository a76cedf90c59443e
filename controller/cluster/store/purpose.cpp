#include "cluster/store/purpose.h"

#include "cluster/objects/quota.h"
#include "cluster/objects/reply.h"

namespace imagebatch::cluster {

namespace {

struct Words {
  std::string_view name, reason, complaint;
};

Words WordsOf(Purpose purpose) {
  switch (purpose) {
    case Purpose::WriteResults:
      return {"WriteResults", "ResultsNotStored", "results cannot be stored"};
    case Purpose::LoadResults:
      return {"LoadResults", "ResultsNotRead", "the stored results cannot be read"};
    case Purpose::WriteStatus:
      return {"WriteStatus", "StatusNotWritten", "the status cannot be written"};
    case Purpose::ReadBatch:
      return {"ReadBatch", "BatchNotRead", "the batch cannot be read"};
    case Purpose::ReadRows:
      return {"ReadRows", "RowsNotRead", "the ConfigMaps with the rows cannot be read"};
    case Purpose::DryRun:
      return {"DryRun", "JobsNotChecked", "its Jobs cannot be checked by a dry run"};
    case Purpose::AskRegistry:
      return {"AskRegistry", "ImagesNotChecked", "images cannot be looked up in their registry"};
    case Purpose::CreateJob:
      return {"CreateJob", "JobsNotCreated", "Jobs cannot be created"};
    case Purpose::DeleteJob:
      return {"DeleteJob", "JobsNotDeleted", "Jobs cannot be deleted"};
    case Purpose::ReadJob:
      return {"ReadJob", "JobsNotRead", "Jobs cannot be read"};
    case Purpose::ReadPod:
      return {"ReadPod", "PodsNotRead", "Pods cannot be read"};
    case Purpose::ReadLog:
      return {"ReadLog", "LogsNotRead", "the logs of builds cannot be read"};
    case Purpose::ReadEvents:
      return {"ReadEvents", "EventsNotRead", "Events cannot be read"};
    case Purpose::WriteEvidence:
      return {"WriteEvidence", "EvidenceNotStored", "evidence cannot be stored"};
    case Purpose::LoadEvidence:
      return {"LoadEvidence", "EvidenceNotRead", "the stored evidence cannot be listed"};
    case Purpose::DeleteEvidence:
      return {"DeleteEvidence", "EvidenceNotDeleted", "the oldest evidence cannot be deleted"};
    case Purpose::DeleteBatch:
      return {"DeleteBatch", "BatchNotDeleted", "the batch cannot be deleted"};
    case Purpose::WriteEvent:
      return {"WriteEvent", "EventsNotWritten", "Events cannot be written"};
    case Purpose::WatchBatches:
      return {"WatchBatches", "BatchesNotWatched", "ImageBatches cannot be watched"};
    case Purpose::WatchJobs:
      return {"WatchJobs", "JobsNotWatched", "Jobs cannot be watched"};
    case Purpose::WatchPods:
      return {"WatchPods", "PodsNotWatched", "Pods cannot be watched"};
    case Purpose::WatchLabelledPods:
      return {"WatchLabelledPods", "LabelledPodsNotWatched", "Pods of no batch cannot be watched"};
  }
  return {};
}

}  // namespace

std::string_view Name(Purpose purpose) { return WordsOf(purpose).name; }
std::string_view Reason(Purpose purpose) { return WordsOf(purpose).reason; }
std::string_view Complaint(Purpose purpose) { return WordsOf(purpose).complaint; }

bool Failed(Purpose purpose, const Result<kube::Response>& response) {
  if (!response) return true;
  const int status = response->status;
  if (status / 100 == 2) return false;
  if (IsUnknownKind(response)) return true;
  const bool passing = status / 100 != 4 || status == 401 || status == 403 || status == 408 || status == 429;
  switch (purpose) {
    case Purpose::DeleteJob:
    case Purpose::DeleteEvidence:
    case Purpose::DeleteBatch:
    case Purpose::ReadJob:
    case Purpose::ReadBatch:
    case Purpose::WriteStatus:
    case Purpose::WriteResults:
      return status != 404 && status != 409;
    case Purpose::CreateJob:
      if (status == 403 && IsHeldByQuota(ErrorMessage(response))) return false;
      return status != 400 && status != 409 && status != 422;
    case Purpose::WriteEvent:  // 409: it was there already
      return status != 409;
    case Purpose::ReadRows:
    case Purpose::LoadResults:
      return status != 404;
    case Purpose::ReadLog:  // 400: the container has no log yet, or none any more
      return status != 400 && status != 404;
    case Purpose::DryRun:
      return passing && status != 403;
    case Purpose::WriteEvidence:
      return passing && status != 401 && status != 403;
    case Purpose::AskRegistry:
    case Purpose::LoadEvidence:
    case Purpose::ReadPod:
    case Purpose::ReadEvents:
    case Purpose::WatchBatches:
    case Purpose::WatchJobs:
    case Purpose::WatchPods:
    case Purpose::WatchLabelledPods:
      return true;
  }
  return true;
}

}  // namespace imagebatch::cluster
