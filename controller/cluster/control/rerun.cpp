#include "cluster/control/rerun.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>
#include <vector>

#include "base/counted.h"
#include "base/text.h"
#include "batch/names.h"

namespace imagebatch::cluster {
namespace {

using plan::State;

constexpr size_t kMostProblems = 10;

const char* Word(State state) {
  constexpr std::array<const char*, plan::kStates> kWords = {"waiting", "queued",    "held",    "pending",
                                                             "running", "succeeded", "skipped", "failed"};
  return kWords[static_cast<size_t>(state)];
}

/// Builds that are to run again, by number, with what they need and has failed.
class Chosen {
 public:
  explicit Chosen(const plan::Plan& plan) : plan_(plan) {}

  void Add(uint32_t first) {
    std::vector<uint32_t> work{first};
    while (!work.empty()) {
      const uint32_t build = work.back();
      work.pop_back();
      if (plan_.state(build) != State::Failed || !builds_.insert(build).second) continue;
      const auto needs = plan_.needs(build);
      work.insert(work.end(), needs.begin(), needs.end());
    }
  }
  const std::set<uint32_t>& builds() const { return builds_; }

 private:
  const plan::Plan& plan_;
  std::set<uint32_t> builds_;
};

/// The builds that the record names, as far as there are such builds.
std::set<uint32_t> Named(const RerunRecord& record, const Builds& builds) {
  std::set<uint32_t> named;
  for (const std::string& text : record.builds) {
    const auto name = batch::ParseBuildName(text);
    const auto build = name ? builds.Find(name->stage, name->name) : std::nullopt;
    if (build) named.insert(*build);
  }
  return named;
}

/// What is wrong with the names; empty: nothing.
std::string Problems(const std::vector<batch::BuildName>& names, const Builds& builds,
                     const plan::Plan& plan) {
  std::string text;
  size_t count = 0;
  for (const batch::BuildName& name : names) {
    const auto build = builds.Find(name.stage, name.name);
    if (build && plan.state(*build) == State::Failed) continue;
    if (++count > kMostProblems) continue;
    text += (text.empty() ? "" : "; ") + batch::ToString(name) +
            (build ? std::string(" has not failed (it is ") + Word(plan.state(*build)) + ")"
                   : std::string(": there is no such build"));
  }
  if (count > kMostProblems) text += "; and " + std::to_string(count - kMostProblems) + " more";
  return text;
}

/// Builds of the record that a new process could not tell from those that were not to run again: no attempt
/// of that round has ended and is stored.
std::set<uint32_t> NotBegun(const RerunRecord& record, const Builds& builds, const plan::Plan& plan,
                            const std::function<bool(uint32_t build, int attempt)>& stored) {
  std::set<uint32_t> left;
  for (const uint32_t build : Named(record, builds)) {
    const auto& attempts = plan.attempts(build);
    const bool begun = std::any_of(attempts.begin(), attempts.end(), [&](const plan::Attempt& attempt) {
      return attempt.round >= record.some_round && attempt.phase == plan::Phase::Failed &&
             stored(build, attempt.number);
    });
    if (!begun && plan.state(build) != State::Succeeded) left.insert(build);
  }
  return left;
}

/// Of these, those that failed by what happened in their own attempts.
int64_t FailedThemselves(const std::set<uint32_t>& chosen, const plan::Plan& plan) {
  return std::count_if(chosen.begin(), chosen.end(), [&](uint32_t build) {
    const plan::FailReason reason = plan.fail_reason(build);
    return reason == plan::FailReason::Build || reason == plan::FailReason::Hang ||
           reason == plan::FailReason::Infrastructure;
  });
}

}  // namespace

RerunJudgement JudgeRerun(const batch::Rerun& wanted, const RerunRecord& before, const Builds& builds,
                          const plan::Plan& plan, std::optional<int> max_failed,
                          const std::function<bool(uint32_t build, int attempt)>& stored, Time now) {
  const std::string round = "round " + std::to_string(wanted.round);
  const auto unchanged = [&](const std::string& why, bool refused) {
    RerunRecord record = before;
    record.round = wanted.round;
    record.message = Printable(round + " runs nothing again: " + why, 2048);
    return RerunJudgement{std::move(record), 0, refused};
  };
  const auto refuse = [&](const std::string& why) { return unchanged(why + " and raise round", true); };

  if (plan.over() == plan::FailReason::Cancelled) return refuse("spec.shutdown is set; remove it");
  if (const std::string problems = Problems(wanted.builds, builds, plan); !problems.empty())
    return refuse(problems + "; correct spec.rerun.builds");
  Chosen chosen(plan);
  for (const batch::BuildName& name : wanted.builds) chosen.Add(*builds.Find(name.stage, name.name));
  for (uint32_t build = 0; wanted.builds.empty() && build < builds.size(); ++build) chosen.Add(build);
  const size_t count = chosen.builds().size();
  if (count == 0) return unchanged("no build has failed", false);
  const int64_t others = plan.failed() - FailedThemselves(chosen.builds(), plan);
  if (max_failed && others > *max_failed)
    return refuse(Counted(static_cast<size_t>(others), "build") +
                  " more have failed and maxFailedBuilds is " + std::to_string(*max_failed) +
                  "; raise it or name these too,");

  RerunRecord record;
  record.round = wanted.round;
  record.since = std::chrono::floor<std::chrono::seconds>(now);
  record.message = round + " runs " + Counted(count, "build") + " again";
  if (wanted.builds.empty()) {
    record.all_round = wanted.round;
    return {std::move(record), count, false};
  }
  std::set<uint32_t> all = NotBegun(before, builds, plan, stored);
  all.insert(chosen.builds().begin(), chosen.builds().end());
  if (all.size() > kMostRerun)
    return refuse(Counted(all.size(), "build") + " would wait to run again, and at most " +
                  std::to_string(kMostRerun) + " can be named; leave spec.rerun.builds empty");
  record.all_round = before.all_round;
  record.some_round = wanted.round;
  for (const uint32_t build : all)
    record.builds.push_back(batch::ToString({builds.stage(build).name, builds.name(build)}));
  return {std::move(record), count, false};
}

void ApplyRerun(const RerunRecord& record, const Builds& builds, plan::Plan& plan) {
  for (uint32_t build = 0; record.all_round > 0 && build < builds.size(); ++build)
    plan.RunAgain(build, record.all_round);
  for (const uint32_t build : Named(record, builds)) plan.RunAgain(build, record.some_round);
}

}  // namespace imagebatch::cluster
