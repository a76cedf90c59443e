#include "local/run.h"

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <iostream>
#include <utility>
#include <vector>

#include "base/keep_sooner.h"
#include "cluster/objects/markers.h"
#include "cluster/store/input.h"
#include "contract/contract.h"
#include "local/child.h"
#include "local/command.h"
#include "local/layout.h"
#include "local/machine.h"
#include "local/pages.h"
#include "local/processes.h"
#include "local/result_file.h"
#include "local/run_lock.h"
#include "local/screen.h"
#include "local/start_record.h"
#include "local/work.h"

namespace imagebatch::local {
namespace {

namespace fs = std::filesystem;
using cli::Exit;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds kLook{1};            // at the states of the runners, and at a full disk
constexpr milliseconds kLookSoon{20};  // while what a killed guard has left is being ended
constexpr size_t kStateBytes = size_t{64} * 1024, kLogBytes = size_t{64} * 1024;

/// 32 hexadecimal digits as a UID.
std::string AsUid(std::string digits) {
  for (const size_t at : {8U, 13U, 18U, 23U}) digits.insert(at, "-");
  return digits;
}

sigset_t Awaited() {
  sigset_t awaited;
  sigemptyset(&awaited);
  for (const int signal : {SIGCHLD, SIGINT, SIGTERM, SIGHUP}) sigaddset(&awaited, signal);
  return awaited;
}

class LocalRun {
 public:
  LocalRun(const batch::Batch& batch, batch::Expansion expansion, const RunOptions& options, Layout layout,
           RunLock lock, ResultFile results, Time start)
      : batch_(batch),
        options_(options),
        layout_(std::move(layout)),
        lock_(std::move(lock)),
        results_(std::move(results)),
        start_(start),
        scratch_(layout_.root),
        work_(batch_, std::move(expansion), results_.stored(), {HostName(), layout_.root}),
        markers_(Secret()),
        environment_(OwnEnvironment()) {}

  Result<void> Publish() { return pages_.Start(options_.metrics); }
  Exit Go();

 private:
  enum class Stop : uint8_t { No, Signal, OnlyHung };

  Now Clocks() const { return {clock_.Now(), clock_.Steady()}; }
  void Say(const std::string& text, bool bad = false) { screen_.Say(text, clock_.Now(), bad); }
  View Look() const { return {batch_.name, layout_.root, work_.Look(), clock_.Now()}; }

  void Step();
  void Collect();
  void Store();
  void ReadStates();
  void Keep(const std::optional<Work::Kept>& kept);
  void StartDue();
  void Start(const plan::Start& start);
  void Finish(Finished finished) { unstored_.push_back(std::move(finished)); }
  void CheckDeadline();
  void CheckStuck();
  void Tell();
  void Show();
  bool Over() const;
  void Await();
  void OnSignal(int signal);
  void StopFor(Stop why);
  Exit Conclude();

  const batch::Batch& batch_;
  const RunOptions& options_;
  const Layout layout_;
  const RunLock lock_;
  ResultFile results_;
  const Time start_;
  const SystemClock clock_;
  Scratch scratch_;
  Work work_;
  cluster::Markers markers_;
  const std::vector<std::string> environment_;
  Screen screen_;
  Pages pages_;
  Processes processes_;
  std::vector<Finished> unstored_;
  SteadyTime looked_{};
  size_t cut_short_ = 0;
  Stop stop_ = Stop::No;
  int signals_ = 0;
  bool expired_ = false, disk_full_ = false, stuck_told_ = false, evidence_lost_ = false;
  std::string store_error_;
};

Exit LocalRun::Go() {
  const plan::Counts total = work_.Total();
  const int64_t done = total[plan::State::Succeeded] + total[plan::State::Failed];
  if (done > 0) {
    Say(batch_.name + ": " + std::to_string(done) + " of " + std::to_string(total.Total()) +
        " builds are done already, by " + layout_.Results().string());
  }
  for (;;) {
    Step();
    if (Over()) break;
    Await();
  }
  screen_.Clear();
  return Conclude();
}

void LocalRun::Step() {
  Collect();
  ReadStates();
  CheckDeadline();
  Store();
  StartDue();
  processes_.KillOverdue(clock_.Steady());
  work_.Step(Clocks());
  CheckStuck();
  Tell();
  Show();
}

bool StopIsPending() {
  sigset_t pending;
  sigemptyset(&pending);
  sigpending(&pending);
  return sigismember(&pending, SIGINT) == 1 || sigismember(&pending, SIGTERM) == 1 ||
         sigismember(&pending, SIGHUP) == 1;
}

/// By a signal that ends programs.
bool WasEnded(int exit_code) {
  const auto signals = {SIGHUP, SIGINT, SIGKILL, SIGTERM};
  return std::any_of(signals.begin(), signals.end(), [&](int signal) { return exit_code == 128 + signal; });
}

// Of those that were told to end nothing is known: what they were at is done again. We may not have been the
// first to tell them: who stops a service sends each of its processes a signal.
void LocalRun::Collect() {
  for (const EndedProcess& ended : processes_.Reap()) {
    const Process& process = ended.process;
    const bool by_others = WasEnded(ended.exit_code) && (signals_ > 0 || StopIsPending());
    if ((process.told_to_end || by_others) && !process.past_deadline) {
      work_.CutShort(process.start.build, Clocks());
      ++cut_short_;
    } else {
      const Ending ending{ended.exit_code, ReadEnd(scratch_.Result(process.job), contract::kMostResultBytes),
                          ReadEnd(scratch_.State(process.job), kStateBytes), ReadEnd(process.log, kLogBytes),
                          process.past_deadline};
      std::optional<Work::Kept> kept;
      Finish(work_.End(process.start.build, ending, kept, Clocks()));
      Keep(kept);
    }
    scratch_.Forget(process.job);
  }
}

void LocalRun::Store() {
  if (unstored_.empty()) return;
  std::vector<std::string> lines;
  for (const Finished& finished : unstored_) lines.push_back(finished.line);
  if (const auto stored = results_.Append(lines); !stored) {
    if (store_error_ != stored.error().message) Say(stored.error().message + "; tried again", true);
    store_error_ = stored.error().message;
    return;
  }
  store_error_.clear();
  for (const Finished& finished : std::exchange(unstored_, {})) work_.Record(finished);
}

void LocalRun::ReadStates() {
  const SteadyTime now = clock_.Steady();
  if (now - looked_ < kLook) return;
  looked_ = now;
  for (const auto& [build, process] : processes_.running())
    Keep(work_.Saw(build, ReadEnd(scratch_.State(process.job), kStateBytes), Clocks()));
}

void LocalRun::Keep(const std::optional<Work::Kept>& kept) {
  if (!kept) return;
  const auto written = ReplaceFile(layout_.root / kept->path, kept->text);
  if (written || std::exchange(evidence_lost_, true)) return;
  Say(written.error().message + "; evidence of hangs is lost", true);
}

void LocalRun::StartDue() {
  bool stopping = stop_ != Stop::No || !unstored_.empty();
  if (!stopping && !work_.Done()) {
    // A build starts only where its result will have room, beside those of all that run
    const auto places = std::min<int64_t>(batch_.parallelism, work_.Total().Total());
    const bool full = !results_.Reserve(static_cast<size_t>(places));
    if (full && !std::exchange(disk_full_, full)) {
      Say("the disk of " + layout_.root.string() +
              " is full: nothing more starts until there is room for the results",
          true);
    }
    disk_full_ = full;
    stopping = full;
  }
  for (const plan::Start& start : work_.Decide(stopping, expired_, Clocks())) Start(start);
  if (!unstored_.empty() && !stopping) Store();
}

void LocalRun::Start(const plan::Start& start) {
  const std::string job = work_.JobName(start);
  const std::string marker = markers_.Next(job);
  const Command command = CommandOf(work_.Job(start, marker), AsUid(markers_.Next(job)), marker);
  const fs::path log = layout_.root / work_.LogPath(start);
  std::error_code error;
  fs::create_directories(log.parent_path(), error);
  const Descriptor output(open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644));
  if (!output.Open()) {
    const std::string why = "cannot write " + log.string() + ": " + ErrorText(errno);
    return Finish(work_.NotStarted(start, why, false, Clocks()));
  }
  scratch_.Forget(job);
  const RunnerFiles files{options_.runner, scratch_.State(job), scratch_.Result(job)};
  const auto pid = StartChild({Words(command, files), Environment(environment_, command), command.directory,
                               output.Get(), lock_.Inherited()});
  if (!pid) return Finish(work_.NotStarted(start, pid.error().message, !command.directory.empty(), Clocks()));
  processes_.Add({start, *pid, job, log, command.grace_seconds});
  work_.Started(start, marker, Clocks());
}

void LocalRun::CheckDeadline() {
  if (expired_ || batch_.active_deadline_seconds <= 0) return;
  if (clock_.Now() < start_ + seconds(batch_.active_deadline_seconds)) return;
  expired_ = true;
  Say("the batch has run for activeDeadlineSeconds (" + std::to_string(batch_.active_deadline_seconds) +
          " s): what runs is ended, what is not done fails",
      true);
  processes_.EndAll(clock_.Steady(), true);
}

// On a terminal somebody may look at what hangs; elsewhere nobody does, and nobody would know.
void LocalRun::CheckStuck() {
  if (stop_ != Stop::No || expired_ || !unstored_.empty() || processes_.empty() || disk_full_) return;
  if (!work_.Stuck()) {
    stuck_told_ = false;
    return;
  }
  if (!screen_.terminal()) return StopFor(Stop::OnlyHung);
  if (std::exchange(stuck_told_, true)) return;
  Say("only hung builds are left, and hang.action is Flag: look at them, and end them with Ctrl-C", true);
}

void LocalRun::StopFor(Stop why) {
  Collect();  // what has ended by itself has ended
  stop_ = why;
  processes_.EndAll(clock_.Steady(), false);
}

void LocalRun::Tell() {
  for (const Story& story : work_.TakeStories()) {
    if (screen_.terminal() && story.kind == Story::Kind::Good) continue;  // the picture counts them
    Say(story.text, story.kind == Story::Kind::Bad);
  }
}

void LocalRun::Show() {
  screen_.Show(Look());
  pages_.Show(work_, start_);
}

bool LocalRun::Over() const {
  if (!processes_.empty()) return false;
  if (!unstored_.empty()) return true;  // nothing runs that could make room
  return stop_ != Stop::No || work_.Done() || disk_full_;
}

void LocalRun::Await() {
  const sigset_t awaited = Awaited();
  milliseconds wait = processes_.Clearing() ? kLookSoon : milliseconds(kLook);
  if (const auto next = work_.Next(); next && stop_ == Stop::No && !disk_full_)
    wait = std::clamp<milliseconds>(*next - clock_.Now(), kLookSoon, wait);
  const timespec span{wait.count() / 1000, wait.count() % 1000 * 1'000'000};
  const int signal = sigtimedwait(&awaited, nullptr, &span);
  if (signal > 0 && signal != SIGCHLD) OnSignal(signal);
}

void LocalRun::OnSignal(int signal) {
  if (signals_++ > 0) {
    Say("killing all builds", true);
    return processes_.KillAll();
  }
  Say(std::string(signal == SIGINT ? "interrupted" : "told to end") + ": " +
      std::to_string(processes_.size()) + " builds are told to end; once more kills them");
  StopFor(Stop::Signal);
}

Exit LocalRun::Conclude() {
  const View view = Look();
  const std::string resume = "; run the same command again to go on";
  Say(batch_.name + ": " + CountsLine(view) + "; results: " + layout_.Results().string());
  if (!unstored_.empty()) {
    std::cerr << "imagebatch: " << store_error_ << "; " << unstored_.size()
              << " finished builds could not be stored and are built again" << resume << "\n";
    return Exit::Failed;
  }
  if (work_.Done()) {
    for (const cluster::FailedEntry& failed : view.summary.failed_builds)
      Say("failed: " + failed.stage + "/" + failed.name + " (" + failed.reason + "): " + failed.message,
          true);
    if (work_.ended_by_hang() > 0) return Exit::Hung;
    return work_.Total()[plan::State::Failed] > 0 ? Exit::Failed : Exit::Done;
  }
  const std::string cut = std::to_string(cut_short_) + (cut_short_ == 1 ? " build was" : " builds were") +
                          " ended before " + (cut_short_ == 1 ? "its" : "their") + " time";
  switch (stop_) {
    case Stop::OnlyHung:
      std::cerr
          << "imagebatch: only hung builds were left, and hang.action is Flag: they were ended, and begin "
             "anew with the next run; evidence: "
          << layout_.root.string() << "/evidence\n";
      return Exit::Hung;
    case Stop::Signal:
      std::cerr << "imagebatch: stopped, " << cut << resume << "\n";
      return Exit::Failed;
    default:
      std::cerr << "imagebatch: the disk of " << layout_.root.string()
                << " is full; nothing is lost: make room" << resume << "\n";
      return Exit::Failed;
  }
}

Exit Refuse(const std::string& message) {
  std::cerr << "imagebatch: " << message << "\n";
  return Exit::Failed;
}

}  // namespace

Exit Run(const batch::Batch& batch, batch::Expansion expansion, const RunOptions& options) {
  std::signal(SIGPIPE, SIG_IGN);  // a reader of ours that goes away ends no build
  sigset_t awaited = Awaited();
  pthread_sigmask(SIG_BLOCK, &awaited, nullptr);  // before there is another thread
  Layout layout(batch.name);
  const Time now = SystemClock().Now();
  std::error_code error;
  fs::create_directories(layout.root, error);
  if (error) return Refuse("cannot make " + layout.root.string() + ": " + error.message());
  auto lock = RunLock::Take(layout.Lock(), now,
                            [](const std::string& text) { std::cerr << "imagebatch: " << text << "\n"; });
  if (!lock) return Refuse(lock.error().message);
  auto results = ResultFile::Open(layout.Results());
  if (!results) return Refuse(results.error().message);
  if (!results->repaired().empty()) std::cerr << "imagebatch: " << results->repaired() << "\n";
  const std::string digest = cluster::InputDigest(batch, expansion.rows);
  const auto begun = Begin(layout.Start(), digest, !results->stored().empty(), now);
  if (!begun) return Refuse(begun.error().message);
  LocalRun run(batch, std::move(expansion), options, std::move(layout), *std::move(lock), *std::move(results),
               begun->start);
  if (const auto published = run.Publish(); !published) return Refuse(published.error().message);
  return run.Go();
}

}  // namespace imagebatch::local
