#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "cluster/objects/evidence.h"
#include "cluster/objects/outcome.h"
#include "cluster/store/evidence_store.h"
#include "cluster/store/hang_counts.h"
#include "plan/plan.h"

namespace imagebatch::cluster {

/// One finished attempt, as it is stored.
struct ResultKey {
  std::string build;  // hash
  std::string stage, name;
  int attempt = 0;
  int round = 0;  // of reruns
  bool succeeded = false;
  bool skipped = false;  // no attempt: its image was there
  plan::Cause cause = plan::Cause::Build;
  Time finished{};
  double seconds = 0;  // from the start of its container to its end
  std::string reason, message;
  HangsByClass hangs;
  std::optional<Verdict> verdict;  // as ResultSubject::verdict, without its message
};

/// What a result line tells of the build beside its outcome.
struct ResultSubject {
  std::string stage, name, image, build_hash, job;
  int attempt = 1;
  std::optional<Verdict> verdict;  // of a build that hung when it was ended, by whomever
  EvidenceReference evidence{};    // both empty where there is none
  HangsByClass hangs{};            // all of the attempt, those that passed included
  int round = 0;                   // of reruns
};

/// One JSON object on one line, at most 4 KiB, with the field names of the manifest it replaces (time, tags,
/// error, status, attempt_count, started_at, finished_at, duration_seconds) plus stage, digest, class, hangs,
/// fingerprint and evidence.
std::string ResultLine(const ResultSubject& subject, const Outcome& outcome, Time now);

/// The same of a build that was skipped: status skipped_remote_exists, attempt_count 0, no class, job or
/// times.
std::string SkippedLine(const ResultSubject& subject, const std::string& digest, Time now);

/// Reads a line back; nothing for a line that is none of ours.
std::optional<ResultKey> ParseResultLine(std::string_view line);

}  // namespace imagebatch::cluster
