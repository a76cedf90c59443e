#pragma once
#include <cstdint>
#include <optional>

#include "cluster/objects/views.h"

namespace imagebatch::cluster {

/// What is seen of one attempt.
struct SeenAttempt {
  uint32_t build = 0;
  int attempt = 1;
  std::optional<JobView> job;  // once it is known to exist
  Rare<PodView> pod;           // of that Job, by its UID
};

/// How far an attempt has come, beside what is seen of it.
struct Course {
  bool taken = false;      // its Job's name is in use, or was: by whom is to be found out
  bool looked = false;     // since its Job is over, the Pods of that have been read
  bool others = false;     // ... and more than one of them may have run
  bool concluded = false;  // its outcome is told; it is followed until nothing of it can run
  bool stored = false;     // ... and stored: its Job may be deleted
  bool cut_short = false;  // ... although its Job had not ended, and may yet succeed
};

/// What an attempt needs next.
enum class Need : uint8_t {
  Create,    // its Job
  FindJob,   // of its name
  ReadPods,  // of its Job
  Watch,     // nothing: what it waits for comes by itself
  Conclude,  // its end is known
  Delete,    // its Job
  Forget,    // nothing of it can run any more
};

/// The life of an attempt in one place. Two Pods of one build never run at once: an attempt whose Job was
/// deleted is not over before its Pod is, and one that was concluded while something of it may still run is
/// not forgotten before that is known to be dead; until then its build's next attempt waits. It waits for the
/// result too where the Job may succeed after all: a new process would believe the Job as long as there is
/// none.
Need NeedOf(const SeenAttempt& seen, const Course& course);

/// A Job has ended.
bool Finished(const JobView& job);

/// The build of this Pod runs, or may yet.
bool MayRun(const PodView& pod);

}  // namespace imagebatch::cluster
