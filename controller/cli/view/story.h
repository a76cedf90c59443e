#pragma once
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "cli/view/build_name.h"
#include "cli/view/status_text.h"

namespace imagebatch::cli {

/// What is known of one attempt at a build, from its result, its Job and its Pod. All texts are untrusted.
struct Attempt {
  int64_t number = 0;
  std::string job, pod, node;
  std::optional<Time> created, started, finished;
  std::string state;  // waiting for its Pod, pending, running, succeeded, failed
  std::string cause;  // Build, Hang or Infrastructure, of one that failed
  std::string error;  // why it failed, or why it does not run yet
  std::optional<int64_t> exit_code;
  std::string hang;     // class of the hang in which it ended
  std::string log_end;  // as its result keeps it
  nlohmann::json phases = nlohmann::json::array();
  int64_t peak_rss = 0;
  double cpu_seconds = 0, longest_silence = 0;
};

/// Evidence of a hang of an attempt: a record of type Evidence.
struct EvidenceRecord {
  int64_t attempt = 0;
  std::string name, evidence, log;
};

/// The whole story of one build.
struct Story {
  std::string ns, batch;
  BuildName build;
  std::string image;               // what it pushes; empty where no Job or result says so
  std::vector<std::string> needs;  // stages whose builds it waits for
  std::vector<Attempt> attempts;   // by number
  std::vector<EvidenceRecord> evidence;
  std::optional<ListedBuild> hung, stalled, slow;  // of the lists of the status
  std::string log;                                 // the end of the log of the last attempt
  std::string log_from;                            // where that comes from; empty where there is none
};

/// Number of the attempt that an object is of, by its label; 0 where it has none.
int64_t AttemptOf(const nlohmann::json& object);

/// The story as its objects have it. `results`: those of the whole batch; `jobs`, `pods`, `records`: of the
/// build.
Story TellStory(const nlohmann::json& batch, const BuildName& build,
                const std::vector<nlohmann::json>& results, const std::vector<nlohmann::json>& jobs,
                const std::vector<nlohmann::json>& pods, const std::vector<nlohmann::json>& records);

/// The state of the build in one word: waiting (nothing has begun), pending, running, hung, stalled,
/// succeeded, failed or retried (its last attempt failed, and it is not known that it failed for good).
std::string StateOf(const Story& story, const BatchStatus& batch);

/// The story as text for people: state, attempts, evidence (at most 20 lines) and the end of the log (the
/// same).
std::string StoryText(const Story& story, const BatchStatus& batch, const Look& look, Time now);

/// At most so many lines of evidence are shown.
inline constexpr size_t kEvidenceLines = 20;

/// The evidence of a record as text of at most kEvidenceLines lines.
std::string EvidenceText(const EvidenceRecord& record);

}  // namespace imagebatch::cli
