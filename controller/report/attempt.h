#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/time.h"
#include "report/buildkit.h"

/// What became of a batch, from its result lines (docs/operations.md): values in, text out.
namespace imagebatch::report {

enum class Status { Built, Skipped, Failed };

/// "built", "skipped_remote_exists", "failed": the words of the manifest.
const char* NameOf(Status status);

/// One finished attempt. All texts are as they came: bounded, but not yet fit to be shown.
struct Attempt {
  std::string stage, name;
  int number = 1;
  Status status = Status::Failed;
  std::vector<std::string> tags;
  std::string error, reason, cause, skip_reason, base_image;
  std::string digest;    // of what the registry has under the tag; empty where it was not asked
  std::string log_path;  // as the line has it: relative to the batch's directory
  std::string hang_class, fingerprint, hang_summary,
      evidence_record;  // empty where it did not hang at its end
  std::optional<Time> hung_since;
  int64_t hangs = 0;  // how often it was found hung, hangs from which it recovered included
  std::optional<Time> started, finished, recorded;
  std::optional<double> seconds;  // not negative
  std::optional<double> remote_check_seconds, post_build_seconds;
  std::vector<std::pair<std::string, double>> phases;  // the longest, by the runner's clock
  BuildKitTimes buildkit;                              // where its log was read
};

/// A build that the batch has, finished or not.
struct Expected {
  std::string stage, name;
  std::vector<size_t> needs;  // indexes of Expected
};

/// What a report is made from.
struct Material {
  std::string batch;  // its name; empty where nothing tells it
  std::vector<Attempt> attempts;
  std::vector<Expected> expected;               // all builds; empty where they are not known
  std::optional<size_t> total;                  // how many builds there are, where only that is known
  std::map<std::string, std::string> evidence;  // by evidence_record: JSON of the runner
};

}  // namespace imagebatch::report
