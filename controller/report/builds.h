#pragma once
#include <optional>
#include <string>
#include <vector>

#include "report/attempt.h"

namespace imagebatch::report {

/// One build with all its attempts.
struct Build {
  std::string stage, name;
  Status status = Status::Failed;  // of its last attempt
  std::vector<Attempt> attempts;   // by number; empty where it failed because a build that it needs failed
  std::string error, reason;       // why it failed; empty where it did not

  const Attempt* Last() const { return attempts.empty() ? nullptr : &attempts.back(); }
  /// From the start of its first attempt, which is known.
  std::optional<Time> Started() const;
  /// To the end of its last.
  std::optional<Time> Finished() const;
  /// That all its attempts ran.
  std::optional<double> Seconds() const;
  int AttemptCount() const;
  /// The attempt, the last one, that was hung when it was ended; null where none was.
  const Attempt* Hung() const;
};

/// Builds that hang or fail alike.
struct Group {
  std::string title, detail;   // "Deadlock" and what they have in common; "Error" and the message of one
  std::vector<size_t> builds;  // indexes into Report::builds, in their order; each once
  std::string fingerprint;     // of a hang
  std::vector<std::string> evidence_records;  // of a hang, the newest first
  std::optional<Time> first, last;
};

struct Report {
  std::string batch;
  std::vector<std::string> stages;  // in the order of the batch, or in which they began
  std::vector<Build> builds;        // that have ended: stage by stage, each by start, then name
  size_t unfinished = 0;            // builds that have no result
  std::vector<Group> hangs;         // the largest first, then the one found first
  std::vector<Group> failures;      // of builds whose last attempt failed; likewise

  size_t Total() const { return builds.size() + unfinished; }
  size_t Count(Status status) const;
  size_t Retried() const;
  size_t HungBuilds() const;
};

/// Groups the attempts of `material`: an attempt that stands there twice counts once, the later line holds. A
/// build fails, too, if one that it needs has failed and it has no attempt. With `stage`, only builds of
/// that.
Report MakeReport(Material material, const std::string& stage = "");

}  // namespace imagebatch::report
