#include "runner/report/alike.h"

#include <algorithm>
#include <array>
#include <set>
#include <tuple>

#include "base/fingerprint.h"
#include "base/mask.h"
#include "base/text.h"
#include "contract/contract.h"
#include "runner/report/alike_text.h"

namespace imagebatch::runner {
namespace {

constexpr size_t kMostStuck = 32;  // different ones
constexpr size_t kWordsOfStep = 3;
constexpr std::string_view kSleep = "sleep";
constexpr double kShareOfTime = 0.5;

/// One place in which processes are stuck, however many of them.
struct Stuck {
  bool above = false;  // others of the tree are below it, `sleep` aside
  std::string lock;    // "an RLock held by another thread"; empty: none that is known
  std::string place;   // see DescribePlace(); empty: not Python, or not known
  std::string program, mode;
  std::string wait;  // "a child", "a socket"; empty: not known, or it depends on the moment

  auto Key() const { return std::tie(above, lock, place, program, mode, wait); }
  bool operator<(const Stuck& other) const {
    // What explains most comes first. What Python's own functions or `sleep` wait for explains nothing.
    const auto rank = [](const Stuck& one) {
      const bool poor = one.program == kSleep || one.place.ends_with("|||");
      return std::make_tuple(one.lock.empty(), poor, one.above, one.place.empty(), one.wait.empty());
    };
    return std::make_tuple(rank(*this), Key()) < std::make_tuple(rank(other), other.Key());
  }
};

/// All that a fingerprint is made of.
struct Picture {
  hang::Class hang_class = hang::Class::Idle;
  std::string pattern;
  std::string step;
  std::set<Stuck> stuck;
  std::vector<std::string> lines;
};

std::string_view Words(hang::WaitFor what) {
  switch (what) {
    case hang::WaitFor::OwnLock:
      return "a lock";
    case hang::WaitFor::SharedLock:
      return "a shared lock";
    case hang::WaitFor::Children:
      return "a child";
    case hang::WaitFor::PipeData:
      return "data from a pipe";
    case hang::WaitFor::PipeRoom:
      return "room in a pipe";
    case hang::WaitFor::PipeEvents:
      return "a pipe";
    case hang::WaitFor::FileLock:
      return "a file lock";
    case hang::WaitFor::Anything:
      break;
  }
  return "";
}

/// What a process of one thread waits for, by its system call.
std::string_view WordsOfCall(std::string_view call) {
  struct Named {
    std::string_view call, words;
  };
  constexpr std::array<Named, 32> kNamed = {{{"accept", "a connection"},
                                             {"accept4", "a connection"},
                                             {"clock_nanosleep", "time to pass"},
                                             {"clone", "a child"},
                                             {"connect", "a connection"},
                                             {"epoll_pwait", "an event"},
                                             {"epoll_wait", "an event"},
                                             {"fcntl", "a file lock"},
                                             {"fdatasync", "the disk"},
                                             {"flock", "a file lock"},
                                             {"fsync", "the disk"},
                                             {"futex", "a lock"},
                                             {"io_getevents", "the disk"},
                                             {"nanosleep", "time to pass"},
                                             {"openat", "a file to open"},
                                             {"pause", "a signal"},
                                             {"poll", "an event"},
                                             {"ppoll", "an event"},
                                             {"pselect6", "an event"},
                                             {"read", "data"},
                                             {"readv", "data"},
                                             {"recvfrom", "a socket"},
                                             {"recvmsg", "a socket"},
                                             {"rt_sigsuspend", "a signal"},
                                             {"rt_sigtimedwait", "a signal"},
                                             {"select", "an event"},
                                             {"sendmsg", "a socket"},
                                             {"sendto", "a socket"},
                                             {"vfork", "a child"},
                                             {"wait4", "a child"},
                                             {"waitid", "a child"},
                                             {"write", "room to write"}}};
  const auto* named =
      std::find_if(kNamed.begin(), kNamed.end(), [call](const Named& each) { return each.call == call; });
  return named == kNamed.end() ? "" : named->words;
}

/// "an RLock held by another thread" of "an RLock held by thread 12, which is at ...".
std::string WithoutPids(std::string_view lock) {
  if (lock.starts_with("a Lock that is locked, and no other thread is left"))
    return "a Lock that nobody is left to unlock";
  constexpr std::array<std::string_view, 5> kDetails = {", which", ":", ";", " in a with", " ("};
  for (const std::string_view detail : kDetails) lock = lock.substr(0, lock.find(detail));
  constexpr std::string_view kThread = " thread ";
  const size_t thread = lock.find(kThread);
  if (thread == std::string_view::npos) return std::string(lock);
  const size_t number = thread + kThread.size();
  const size_t end = std::min(lock.find_first_not_of("0123456789", number), lock.size());
  if (end == number) return std::string(lock);
  return std::string(lock.substr(0, thread)) + " another thread" + std::string(lock.substr(end));
}

class Painter {
 public:
  Painter(const Evidence& evidence, Picture& picture) : evidence_(evidence), picture_(picture) {}

  void Paint() {
    const std::vector<const ProcessEvidence*> chosen = Choose();
    std::set<pid_t> parents;
    for (const ProcessEvidence* process : chosen) {
      if (NameProgram(process->command).name != kSleep) parents.insert(process->parent);
    }
    for (const ProcessEvidence* process : chosen) Add(*process, parents.contains(process->pid));
    // One of several alike whose stacks were too many to be read, or that ran meanwhile, adds nothing.
    for (Stuck& stuck : unread_) {
      if (!with_places_.contains(stuck.program)) Put(std::move(stuck));
    }
  }

 private:
  static bool IsDead(const ProcessEvidence& process) { return !process.waits_for.empty(); }

  std::vector<const ProcessEvidence*> Choose() const {
    std::vector<const ProcessEvidence*> chosen;
    std::set<pid_t> above;
    // Parents stand before their children, mostly; those adopted later are found all the same.
    for (auto process = evidence_.processes.rbegin(); process != evidence_.processes.rend(); ++process) {
      const bool wanted = picture_.hang_class == hang::Class::Deadlock
                              ? IsDead(*process) || above.contains(process->pid)
                              : process->age_seconds >= evidence_.lasted_seconds * kShareOfTime;
      const bool over = process->state == 'Z' && process->threads <= 1;
      if (!wanted || over) continue;
      above.insert(process->parent);
      chosen.push_back(&*process);
    }
    return chosen;
  }

  const StackGroup* StacksOf(pid_t pid) const {
    for (const StackGroup& group : evidence_.stacks.groups) {
      if (std::find(group.pids.begin(), group.pids.end(), pid) != group.pids.end()) return &group;
    }
    return nullptr;
  }

  void Put(Stuck stuck) {
    picture_.stuck.insert(std::move(stuck));
    if (picture_.stuck.size() > kMostStuck) picture_.stuck.erase(std::prev(picture_.stuck.end()));
  }

  void Add(const ProcessEvidence& process, bool above) {
    const ProgramName name = NameProgram(process.command);
    Stuck stuck{.above = above, .lock = {}, .place = {}, .program = name.name, .mode = name.mode, .wait = {}};
    // Where a living process above a dead one stands explains nothing.
    const bool still = picture_.hang_class == hang::Class::Deadlock
                           ? IsDead(process)
                           : picture_.hang_class == hang::Class::Idle;
    if (!still) return Put(std::move(stuck));
    if (AddThreads(process, stuck)) return;
    if (IsDead(process)) {
      for (const hang::WaitFor what : process.waits_for) {
        stuck.wait = Words(what);
        unread_.push_back(stuck);
      }
      return;
    }
    if (process.state == 'T') {
      stuck.wait = "to be continued";
    } else if (process.threads == 1) {
      stuck.wait = WordsOfCall(process.system_call);
    }
    unread_.push_back(std::move(stuck));
  }

  /// False where nothing is known of them.
  bool AddThreads(const ProcessEvidence& process, Stuck stuck) {
    const StackGroup* group = StacksOf(process.pid);
    if (group == nullptr) return false;
    const bool python = !group->python.empty();
    bool any = false;
    for (const ThreadStack& thread : group->threads) {
      if (python ? thread.place.empty() : thread.waits.empty()) continue;
      // Which of its threads a runtime leaves waiting for which others depends on the moment.
      if (!python && !IsDead(process) && thread.thread != "main") continue;
      if (python) stuck.mode.clear();
      if (python) with_places_.insert(stuck.program);
      stuck.place = thread.place;
      stuck.lock = WithoutPids(thread.waits);
      Put(stuck);
      any = true;
    }
    return any;
  }

  const Evidence& evidence_;
  Picture& picture_;
  std::set<std::string> with_places_;  // programs
  std::vector<Stuck> unread_;          // without places
};

std::string FingerprintOf(const Picture& picture) {
  Fingerprint print;
  print.Add(hang::Name(picture.hang_class));
  print.Add(picture.pattern);
  print.Add(picture.step);
  for (const Stuck& stuck : picture.stuck) {
    for (const std::string* text : {&stuck.lock, &stuck.place, &stuck.program, &stuck.mode, &stuck.wait})
      print.Add(*text);
  }
  for (const std::string& line : picture.lines) print.Add(line);
  return print.Digits(contract::kFingerprintBytes);
}

std::string_view TakePart(std::string_view& text) {
  const std::string_view part = text.substr(0, text.find('|'));
  text.remove_prefix(std::min(part.size() + 1, text.size()));
  return part;
}

/// "at `lock.acquire()` in work", "in threading.py Condition.wait".
std::string PlaceWords(const Stuck& stuck) {
  std::string_view rest = stuck.place;
  const std::string_view innermost = TakePart(rest);
  std::string_view own = TakePart(rest);
  TakePart(rest);
  const std::string_view source = rest;
  if (own.starts_with(stuck.program + " ")) own.remove_prefix(stuck.program.size() + 1);
  std::string text;
  if (!source.empty()) text += " at `" + Cut(source, 50) + "`";
  text += " in " + std::string(own.empty() ? innermost : own);
  return text;
}

std::string NameOf(const Stuck& stuck) {
  return stuck.program + (stuck.mode.empty() ? "" : " " + stuck.mode);
}

/// The program's own function, or the program.
std::string TitleOf(const Stuck& stuck) {
  std::string_view place = stuck.place;
  TakePart(place);
  const std::string_view own = TakePart(place);
  return own.empty() ? NameOf(stuck) : std::string(own);
}

/// ", below docker build": what stands above the heart of it and is another program or function.
std::string Above(const Picture& picture) {
  constexpr size_t kMostAbove = 2;
  const Stuck& heart = *picture.stuck.begin();
  std::vector<std::string> titles = {TitleOf(heart), heart.program};
  const size_t first = titles.size();
  std::string text;
  for (const Stuck& stuck : picture.stuck) {
    std::string title = TitleOf(stuck);
    const bool same_bug = stuck.program == heart.program && !heart.lock.empty();
    const bool known = std::find(titles.begin(), titles.end(), title) != titles.end();
    if (!stuck.above || same_bug || known || titles.size() == first + kMostAbove) continue;
    text += (text.empty() ? ", below " : " and ") + title;
    titles.push_back(std::move(title));
  }
  return text;
}

std::string Sentence(const Picture& picture) {
  const std::string step = picture.step.empty() ? "" : ", in step " + picture.step;
  // What explains most comes first (see Stuck).
  const Stuck* heart = picture.stuck.empty() ? nullptr : &*picture.stuck.begin();
  std::string program = heart == nullptr ? "the build" : NameOf(*heart);
  switch (picture.hang_class) {
    case hang::Class::Deadlock:
    case hang::Class::Idle: {
      if (heart == nullptr) return "nothing happens" + step;
      if (heart->place.empty() && heart->wait.empty() && heart->lock.empty())
        return program + " does nothing" + step + Above(picture);
      std::string text = program + " waits";
      if (!heart->place.empty()) text += PlaceWords(*heart);
      const std::string& what = heart->lock.empty() ? heart->wait : heart->lock;
      if (!what.empty()) text += (heart->wait == "to be continued" ? " " : " for ") + what;
      return text + step + Above(picture);
    }
    case hang::Class::Busy:
      return program + " uses CPU and nothing comes of it" + step;
    case hang::Class::Looping: {
      const auto longest =
          std::max_element(picture.lines.begin(), picture.lines.end(),
                           [](const auto& one, const auto& other) { return one.size() < other.size(); });
      if (longest == picture.lines.end()) return program + " says the same again and again";
      constexpr size_t kLineBytes = 90;
      return program + " says again and again: " + Cut(*longest, kLineBytes);
    }
    case hang::Class::Overdue:
      return program + " prints no line that matches " + picture.pattern;
    case hang::Class::Deadline:
      return program + " has not ended in time" + step;
  }
  return program;
}

/// Fit for a label's value: nothing in it has to be escaped.
std::string Summary(const Picture& picture) {
  std::string text = Printable(Sentence(picture), contract::kSummaryBytes);
  std::replace(text.begin(), text.end(), '"', '\'');
  std::replace(text.begin(), text.end(), '\\', '/');
  return text;
}

}  // namespace

Alike AlikeOf(const Evidence& evidence, const hang::Finding& finding, const std::string& phase) {
  Picture picture;
  picture.hang_class = finding.hang_class;
  Painter(evidence, picture).Paint();
  switch (finding.hang_class) {
    case hang::Class::Looping:
      picture.lines = RepeatedLines(evidence.repeated);
      break;
    case hang::Class::Overdue:
      picture.pattern = finding.reason;
      break;
    case hang::Class::Idle:
    case hang::Class::Busy:
    case hang::Class::Deadline:
      picture.step = PlainWords(MaskSecrets(phase), kWordsOfStep);
      break;
    case hang::Class::Deadlock:
      break;
  }
  // In a loop that prints, a program's arguments say less than its lines, and are the row's more often.
  if (!picture.lines.empty()) {
    std::set<Stuck> without_modes;
    for (Stuck stuck : picture.stuck) {
      stuck.mode.clear();
      without_modes.insert(std::move(stuck));
    }
    picture.stuck = std::move(without_modes);
  }
  return {FingerprintOf(picture), Summary(picture)};
}

}  // namespace imagebatch::runner
