// How a run ends: what is told of it, to people and in the account.
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>

#include "contract/contract.h"
#include "runner/ending.h"
#include "runner/supervisor.h"

namespace imagebatch::runner {

/// What is running is read before the signal ends it. Of those that come soon after one another (SIGINT, then
/// SIGTERM), the first is what counts.
void Supervisor::NoteTold(int signal) {
  const bool again = told_ && now_ - told_->at <= options_.grace;
  told_ = {signal, now_, again ? std::move(told_->state) : ""};
  if (again || life_.hung()) return;
  Snapshot seen = Look();
  Evidence evidence;
  if (seen.evidence == nullptr) {
    ReadingCost cost;
    evidence = CollectEvidence(watch_.Tree(), reader_.Tail(), {.now = now_, .standing = standing_}, cost);
    watch_.LeaveOut(cost.cpu_seconds, cost.left);
    seen.evidence = &evidence;
  }
  told_->state = RenderState(seen);
}

void Supervisor::TellEnd() {
  Ending ending;
  ending.exit_code = ExitCode();
  ending.lasted = std::chrono::duration_cast<std::chrono::seconds>(now_ - clock_.steady_start);
  ending.as_hung = life_.hung();
  if (status_ && WIFSIGNALED(*status_)) ending.killed_by = WTERMSIG(*status_);
  const auto killed = ReadCgroupCounts().out_of_memory_kills;
  if (killed && counts_before_ && counts_before_->out_of_memory_kills)
    ending.out_of_memory_kills = *killed - std::min(*killed, *counts_before_->out_of_memory_kills);
  // A command that goes on after a SIGINT has taken it for something else.
  const bool told = told_ && (told_->signal == SIGTERM || now_ - told_->at <= options_.grace);
  if (told && !life_.hung()) {
    ending.told_by = told_->signal;
    ending.state = told_->state;
  } else if (verdict_.Hung()) {
    ending.state = RenderState(Look());
  }
  const auto text = TellEnding(ending);
  if (!text) return;
  streams_.back().Inject(*text);
  streams_.back().Write();
  UntilOver();
}

int Supervisor::Finish() {
  longest_silence_ = std::max(longest_silence_, now_ - last_output_);
  for (OutputStream& stream : streams_) {
    if (stream.LostBytes() == 0) continue;
    Complain(std::to_string(stream.LostBytes()) +
             " bytes of output were lost: " + strerror(stream.LostReason()));
  }
  // Only where it says something else: the disk is slow to replace a file.
  if (SaysHung(state_) != verdict_.Hung()) Publish();
  WriteResult(marker_);
  return ExitCode();
}

int Supervisor::ExitCode() const {
  if (life_.hung()) return contract::kExitHung;
  if (!status_) return 128 + SIGKILL;  // it does not die
  return WIFSIGNALED(*status_) ? 128 + WTERMSIG(*status_) : WEXITSTATUS(*status_);
}

void Supervisor::WriteResult(const std::string& marker) const {
  if (!result_.Open()) return;
  Outcome outcome;
  outcome.exit_code = ExitCode();
  if (status_ && WIFSIGNALED(*status_))
    outcome.signal = std::string("SIG") + sigabbrev_np(WTERMSIG(*status_));
  outcome.longest_silence_seconds = std::chrono::duration<double>(longest_silence_).count();
  outcome.peak_resident_bytes = watch_.PeakResidentBytes();
  outcome.cpu_seconds = watch_.CpuSeconds();
  outcome.output_bytes = output_bytes_;
  for (const OutputStream& stream : streams_) outcome.lost_output_bytes += stream.LostBytes();
  outcome.phases = reader_.Tail().Phases().Until(now_);
  outcome.verdicts = verdicts_;
  if (!Overwrite(result_, RenderResult(Look(), outcome, marker, options_.result_bytes))) {
    Complain("--result: cannot write " + options_.result_file + ": " + strerror(errno));
  }
}

}  // namespace imagebatch::runner
