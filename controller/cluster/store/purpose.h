#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "kube/transport.h"

namespace imagebatch::cluster {

/// What a request is for. Those that hold up a whole batch come first: of several that fail, the first names
/// the batch's condition Degraded.
enum class Purpose {
  WriteResults,  // creates, patches and reads the record that is written to
  LoadResults,
  WriteStatus,
  ReadBatch,  // after a refused write of the status
  ReadRows,
  DryRun,
  AskRegistry,  // whether an image exists
  CreateJob,
  DeleteJob,
  ReadJob,
  ReadPod,
  ReadLog,
  ReadEvents,
  WriteEvidence,
  LoadEvidence,
  DeleteEvidence,
  DeleteBatch,
  WriteEvent,
  WatchBatches,
  WatchJobs,
  WatchPods,
  WatchLabelledPods,  // of no batch
};
inline constexpr size_t kPurposes = static_cast<size_t>(Purpose::WatchLabelledPods) + 1;

/// As a label of metrics: "CreateJob".
std::string_view Name(Purpose purpose);

/// The reason of the condition and the Event that tell of its failures: "JobsNotCreated". Each has its own.
std::string_view Reason(Purpose purpose);
/// Its failure in words: "Jobs cannot be created".
std::string_view Complaint(Purpose purpose);

/// A purpose and what it is done to, by name: failures of one Job's creation are ended by that Job's creation
/// and not by another's.
struct Errand {
  Purpose purpose;
  std::string subject;
};

/// Whether a reply is a failure of what was wanted: no reply, or a refusal. None are: what was to be deleted
/// is gone already, or created is there; a conflict, after which it is read again; and refusals, told
/// elsewhere (a Job that is wrong or that a quota holds, rows that do not exist, a log that is not there,
/// evidence that is given up).
bool Failed(Purpose purpose, const Result<kube::Response>& response);

}  // namespace imagebatch::cluster
