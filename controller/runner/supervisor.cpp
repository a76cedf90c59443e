#include "runner/supervisor.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "hang/wait_words.h"
#include "runner/guard.h"
#include "runner/machine/machine_words.h"
#include "runner/report/hang_name.h"
#include "runner/signals.h"
#include "runner/waits/stacks.h"

namespace imagebatch::runner {
namespace {

using std::chrono::steady_clock;

constexpr int kExitCannotRun = 126;
constexpr int kExitNotFound = 127;

// However many processes there are, samples are stretched until they take at most one part in so many of a
// core.
constexpr int kSampleShare = 100;
constexpr std::chrono::seconds kLongestPeriod{30};

}  // namespace

Supervisor::Supervisor(const RunOptions& options, std::string marker, Descriptor terminal)
    : options_(options),
      marker_(std::move(marker)),
      terminal_(std::move(terminal)),
      clock_{steady_clock::now(), std::chrono::system_clock::now()},
      now_(clock_.steady_start),
      state_file_(options.state_file),
      reader_(options.expected),
      watch_(now_, options.expected.size()),
      deadlock_watch_(options.limits.deadlock_after),
      next_sample_(now_ + options.sample_every),
      verdict_{std::nullopt, now_},
      life_(options.grace),
      last_output_(now_) {}

void Supervisor::Complain(const std::string& what) {
  fprintf(stderr, "imagebatch-runner: %s\n", what.c_str());
}

int Supervisor::Run() {
  if (const std::string error = Prepare(); !error.empty()) {
    Complain(error);
    return kExitUsage;
  }
  if (!Start()) {
    WriteResult(marker_);
    return ExitCode();
  }
  UntilOver();
  // It came to a good end by itself: whatever it looked like, it did not hang.
  if (!life_.hung() && ExitCode() == 0) Become(hang::Next(verdict_, std::nullopt, now_));
  // With a marker, whoever gave it reads our lines, and tells people.
  if (marker_.empty()) TellEnd();
  return Finish();
}

void Supervisor::UntilOver() {
  while (!life_.Over(now_, OutputDone())) {
    WaitForEvents();
    CountStall();
    HandleSignals();
    PassOutput();
    FollowOrders();
    if (life_.stage() == Lifecycle::Stage::Running && now_ >= next_sample_) Sample();
  }
}

std::string Supervisor::Prepare() {
  if (std::string error = TakeSignals(inherited_, signals_); !error.empty()) return error;
  if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) {
    return std::string("cannot become a subreaper: ") + strerror(errno);
  }
  if (!options_.result_file.empty()) {
    const std::string error = OpenForOverwriting(options_.result_file, result_);
    if (!error.empty()) return "--result: " + error;
  }
  state_ = RenderState(Look());
  if (!options_.state_file.empty()) {
    const std::string error = state_file_.Replace(state_);
    if (!error.empty()) return "--state: " + error;
  }
  if (options_.listen.empty()) return {};
  if (std::string error = listener_.Open(options_.listen); !error.empty()) return "--listen: " + error;
  return {};
}

bool Supervisor::Start() {
  watch_.Begin(now_);
  Spawned spawned = Spawn(options_.command, inherited_, options_.inherit_input, terminal_);
  terminal_.Close();
  if (spawned.pid < 0) {
    Complain(std::string(options_.command[0]) + ": " + strerror(spawned.error));
    // In the form of waitpid(), so that one function makes the exit code.
    status_ = W_EXITCODE(spawned.error == ENOENT ? kExitNotFound : kExitCannotRun, 0);
    return false;
  }
  command_ = spawned.pid;
  streams_.reserve(LineTail::kStreams);
  streams_.emplace_back(std::move(spawned.output), STDOUT_FILENO);
  if (spawned.errors.Open()) streams_.emplace_back(std::move(spawned.errors), STDERR_FILENO);
  return true;
}

void Supervisor::WaitForEvents() {
  polls_.clear();
  polls_.push_back({signals_.Get(), POLLIN, 0});
  for (const OutputStream& stream : streams_) {
    if (stream.WantsRead()) polls_.push_back({stream.From(), POLLIN, 0});
    if (stream.WantsWrite()) polls_.push_back({stream.To(), POLLOUT, 0});
  }
  const size_t listener_polls = polls_.size();
  listener_.AddTo(polls_, now_);
  const auto wait = std::chrono::ceil<std::chrono::milliseconds>(NextTimer() - steady_clock::now()).count();
  if (poll(polls_.data(), polls_.size(), static_cast<int>(std::clamp<int64_t>(wait, 0, 60'000))) < 0) {
    for (pollfd& entry : polls_) entry.revents = 0;  // interrupted; it says nothing of them
  }
  now_ = steady_clock::now();
  listener_.Serve(polls_.data() + listener_polls, now_, verdict_.Hung(), state_);
  listener_.Expire(now_);
}

hang::TimePoint Supervisor::NextTimer() const {
  hang::TimePoint next = life_.Next().value_or(now_ + std::chrono::seconds(60));
  if (life_.stage() == Lifecycle::Stage::Running) next = std::min(next, next_sample_);
  return listener_.NextExpiry(next);
}

void Supervisor::CountStall() {
  if (stalled_since_) watch_.Excuse(now_ - *stalled_since_);
  const bool stalled = std::any_of(streams_.begin(), streams_.end(),
                                   [](const OutputStream& stream) { return stream.WantsWrite(); });
  stalled_since_.reset();
  if (stalled) stalled_since_ = now_;
}

void Supervisor::HandleSignals() {
  if ((polls_.front().revents & POLLIN) == 0) return;
  signalfd_siginfo info{};
  while (read(signals_.Get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
    const int signal = static_cast<int>(info.ssi_signo);
    if (signal == GuardGoneSignal()) {
      if (!status_ && marker_.empty()) NoteTold(SIGKILL);
      life_.OnGuardGone(now_);
    } else if (signal != SIGCHLD) {
      Forward(signal);
    }
  }
  Reap();
}

void Supervisor::Forward(int signal) {
  const bool ends = IsToEnd(signal);
  // The others may be handled and mean something else (SIGINT: a key at a terminal; SIGQUIT: Java's stacks).
  if (signal == SIGTERM) life_.OnTerminate(now_);
  if (!status_) {
    if (ends && marker_.empty()) NoteTold(signal);
    if (kill(-command_, signal) != 0 && errno == EPERM) {
      Complain("cannot pass signal " + std::to_string(signal) +
               " on to the command: it runs as another user");
    }
    if (ends) kill(-command_, SIGCONT);  // a stopped process acts on it only once it goes on
    return;
  }
  if (ends) life_.OnEndingSignal(now_);
}

void Supervisor::Reap() {
  int status = 0;
  pid_t pid = 0;
  while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
    if (pid != command_) continue;
    status_ = status;
    life_.OnCommandEnded(now_);
  }
  if (pid == 0) return;
  // No child, and so no descendant: whoever loses his parent becomes our child.
  life_.OnNobodyLeft();
  for (OutputStream& stream : streams_) stream.ExpectNoMore();
}

void Supervisor::PassOutput() {
  for (size_t index = 0; index < streams_.size(); ++index) {
    OutputStream& stream = streams_[index];
    if (stream.WantsRead()) {
      const std::string_view bytes = stream.Read();
      if (!bytes.empty()) {
        output_bytes_ += bytes.size();
        longest_silence_ = std::max(longest_silence_, now_ - last_output_);
        last_output_ = now_;
        reader_.Add(index, bytes, now_);
      }
    }
    if (stream.WantsWrite()) stream.Write();
  }
}

void Supervisor::Sample() {
  const auto cpu_before = OwnCpu();
  reader_.Renew(now_);
  if (!counts_before_) counts_before_ = ReadCgroupCounts();
  for (OutputStream& stream : streams_) stream.Retry();
  watch_.Sample(now_, {output_bytes_, reader_.Tail().Lines(), reader_.Said(), reader_.Signs()},
                listener_.NetworkBytes());
  // Readings have a share of their own: they must not make samples rare.
  const auto reading = deadlock_watch_.Look(now_, watch_.Progress(), watch_.Tree().Processes(), command_);
  LookAtCommands();
  Judge();
  Publish();
  const auto cost = OwnCpu() - cpu_before - reading;
  const steady_clock::duration affordable =
      std::min<steady_clock::duration>(cost * kSampleShare, kLongestPeriod);
  const hang::TimePoint soonest = now_ + options_.sample_every;
  const hang::TimePoint limit = hang::NextLimit(JudgeBy()).value_or(hang::TimePoint::max());
  next_sample_ = std::max(soonest, std::min(now_ + affordable, limit));
  if (verdict_.Hung() && options_.end_when_hung) EndHung();
}

/// Both are asked for once half of a limit has passed.
void Supervisor::LookAtCommands() {
  const hang::Progress& progress = watch_.Progress();
  const hang::Limits& limits = options_.limits;
  const auto half_of = [](hang::Duration limit, steady_clock::duration quiet) {
    return limit > hang::Duration::zero() && quiet >= limit / 2;
  };
  const auto still = now_ - progress.Last();
  const bool quiet =
      half_of(limits.idle_after, still) || half_of(limits.silent_after, now_ - progress.last_work);
  if (quiet) {
    commands_.Look(now_, watch_.Tree().Processes(), limits.idle_after);
  } else {
    commands_.Clear();
  }
  if (quiet || half_of(limits.deadlock_after, still)) {
    standing_.Look(now_, watch_.Tree().Processes());
  } else {
    standing_.Clear();
  }
}

hang::Input Supervisor::JudgeBy() const {
  return {.now = now_,
          .started = clock_.steady_start,
          .limits = options_.limits,
          .progress = watch_.Progress(),
          .phase = reader_.Tail().Phases().Current(),
          .last_line = reader_.Tail().LastLine(),
          .command = commands_.Quiet(),
          .builder_elsewhere = !commands_.HasBuilder() && watch_.Connected(),
          .dead_part = deadlock_watch_.DeadPart().needed};
}

void Supervisor::Judge() {
  const hang::Input input = JudgeBy();
  auto found = hang::Judge(input, verdict_);
  // What has come since may be news: then the next sample says so.
  if (found && hang::IsOfQuiet(found->hang_class) && !verdict_.Hung() && !watch_.IsUpToDate(now_)) return;
  if (!Become(hang::Next(verdict_, std::move(found), now_))) return;
  if (verdict_.Hung()) TakeEvidence(input);
  streams_.back().Inject(RenderLogLine(Look(), marker_));
  streams_.back().Write();
}

void Supervisor::TakeEvidence(const hang::Input& input) {
  ReadingCost cost;
  evidence_ = CollectEvidence(
      watch_.Tree(), reader_.Tail(),
      {.now = now_, .standing = standing_, .busy = verdict_.finding->hang_class == hang::Class::Busy}, cost);
  watch_.LeaveOut(cost.cpu_seconds, cost.left);
  if (verdict_.finding->hang_class == hang::Class::Deadlock)
    evidence_->deadlock = hang::Sentences(input.dead_part, CommandOf);
  NameHang(*evidence_, input, *verdict_.finding, reader_.Tail());
  evidence_->not_needed = hang::NotNeeded(deadlock_watch_.DeadPart());
  evidence_->machine = ReadMachine(counts_before_.value_or(CgroupCounts{}));
  evidence_->repeats = RepeatWords(reader_.Repeated().Since(input.progress.last_news),
                                   [this](hang::TimePoint time) { return clock_.Format(time); });
  evidence_->explanation = ExplanationOf(*evidence_, verdict_.finding->hang_class);
}

bool Supervisor::Become(hang::Verdict next) {
  const bool changed = hang::Changed(verdict_, next);
  verdict_ = std::move(next);
  if (!changed) return false;
  evidence_.reset();
  verdicts_.Add(verdict_);
  return true;
}

void Supervisor::EndHung() {
  life_.OnHung(now_);
  // Before anything is ended, in case we are ended too; without the marker, which the command could read.
  WriteResult("");
  if (AskForStacks(watch_.Tree().Processes()) > 0) life_.WaitForStacks(now_ + kTimeForStacks);
}

void Supervisor::FollowOrders() {
  const bool held = std::any_of(streams_.begin(), streams_.end(),
                                [](const OutputStream& stream) { return !stream.Ended(); });
  for (;;) {
    switch (life_.Due(now_, held)) {
      case Lifecycle::Order::None:
        return;
      case Lifecycle::Order::Terminate:
        watch_.Tree().Signal(SIGTERM);
        watch_.Tree().Signal(SIGCONT);  // a stopped process acts on SIGTERM only once it goes on
        break;
      case Lifecycle::Order::Kill:
        watch_.Tree().Signal(SIGKILL);
        break;
    }
  }
}

bool Supervisor::OutputDone() const {
  return std::all_of(streams_.begin(), streams_.end(),
                     [](const OutputStream& stream) { return stream.Finished(); });
}

Snapshot Supervisor::Look() const {
  return {.clock = clock_,
          .now = now_,
          .verdict = verdict_,
          .progress = watch_.Progress(),
          .phase = std::string(reader_.Tail().Phases().Current()),
          .evidence = evidence_ ? &*evidence_ : nullptr};
}

void Supervisor::Publish() {
  state_ = RenderState(Look());
  // A full disk must not end the build; the listener answers all the same.
  if (!options_.state_file.empty()) (void)state_file_.Replace(state_);
}

}  // namespace imagebatch::runner
