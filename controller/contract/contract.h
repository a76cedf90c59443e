#pragma once
#include <array>
#include <cstddef>
#include <string_view>

/// What the runner in a build's container and the controller have agreed on. They meet as processes of
/// different age: a Pod keeps the runner it was started with while the controller is upgraded or rolled back.
/// So both leave alone what they do not know, nothing here changes its meaning, and what is new is added:
///  - keys that the controller does not know are ignored; those it misses are taken as not there;
///  - a class that it does not know is no verdict, so that the build is shown as Unobserved;
///  - a flag reaches only the runner of the controller's own image, which comes into the Pod with it.
/// tests/unit/contract feeds what either side really writes to the other.
namespace imagebatch::contract {

/// The classes of hangs that the runner finds. hang::Name has them from here.
inline constexpr std::array<std::string_view, 6> kClasses = {"Deadlock", "Idle",    "Busy",
                                                             "Looping",  "Overdue", "Deadline"};

/// Flags of the runner's command line, each with a value behind it.
namespace flag {
inline constexpr const char* kState = "--state";
inline constexpr const char* kResult = "--result";
inline constexpr const char* kResultBytes = "--result-bytes";
inline constexpr const char* kListen = "--listen";
inline constexpr const char* kDeadlockAfter = "--deadlock-after";
inline constexpr const char* kIdleAfter = "--idle-after";
inline constexpr const char* kSilentAfter = "--silent-after";
inline constexpr const char* kDeadline = "--deadline";
inline constexpr const char* kExpect = "--expect";  // [FIRST,]WITHIN=REGEX; as often as is wanted
inline constexpr const char* kGrace = "--grace";
inline constexpr const char* kOnHang = "--on-hang";
}  // namespace flag
inline constexpr size_t kMostExpected = 16;  // kExpect
/// Values of kOnHang.
inline constexpr const char* kFlag = "flag";
inline constexpr const char* kFail = "fail";

/// What is asked over HTTP: 200 progressing, 503 hung.
inline constexpr const char* kProgressPath = "/progress";
/// The environment variable whose value the runner puts into its lines, so that a build cannot forge them.
inline constexpr const char* kMarkerVariable = "IMAGEBATCH_MARKER";
/// The runner's exit code where it has ended a build that hung. A build may end with it too: only with the
/// runner's account it means that.
inline constexpr int kExitHung = 124;

/// How long an account may be, in bytes. Kubernetes keeps no more of a termination message, and less where
/// the Pod has more than three containers: 12 KiB divided by their number, init containers and ephemeral ones
/// included (pkg/kubelet/status, normalizeStatus). The least is room for all of what comes first.
inline constexpr size_t kLeastResultBytes = 512, kMostResultBytes = 4096;

/// Keys of the runner's lines in the log and of its account, which are JSON objects.
namespace key {
inline constexpr const char* kKind = "imagebatch";  // of lines: the first
inline constexpr const char* kMarker = "marker";
inline constexpr const char* kVerdict = "verdict";
inline constexpr const char* kClass = "class";    // one of kClasses; null where nothing hangs
inline constexpr const char* kReason = "reason";  // at most kReasonBytes: one word, or the pattern (Overdue)
inline constexpr const char* kMessage = "message";  // for people
inline constexpr const char* kSince = "since";      // RFC 3339, as all times
inline constexpr const char* kEvidence = "evidence";
inline constexpr const char* kFingerprint =
    "fingerprint";  // of a hang: kFingerprintBytes hexadecimal digits; absent: none
inline constexpr const char* kSummary = "summary";  // of a hang, at most kSummaryBytes; absent: none
// Of the evidence. Stacks: an array of objects, one for processes that read the same
inline constexpr const char* kStacks = "stacks";
inline constexpr const char* kPids = "pids";          // an array
inline constexpr const char* kPython = "python";      // version; absent: no Python
inline constexpr const char* kThreads = "threads";    // an array of objects with the next three
inline constexpr const char* kThread = "thread";      // "main", "thread 12", "3 threads"
inline constexpr const char* kAt = "at";              // frames, innermost first; absent: none
inline constexpr const char* kWaitsFor = "waitsFor";  // a lock and who holds it; absent: none that is known
inline constexpr const char* kMoreThreads = "moreThreads";  // not shown; absent: 0
inline constexpr const char* kMoreStacks = "moreStacks";    // processes whose stacks are left out; absent: 0
inline constexpr const char* kNotRead = "stacksNotRead";    // an array: what could not be read, and why
// Arrays of sentences for people, what explains most first; absent: none
inline constexpr const char* kWaits = "waits";      // what each process waits for
inline constexpr const char* kRepeats = "repeats";  // the lines of output that came again and again
// Of the account alone
inline constexpr const char* kSignal = "signal";                // that ended the command; null for none
inline constexpr const char* kVerdictCounts = "verdictCounts";  // an object: how often by class
inline constexpr const char* kLongestSilence = "longestSilenceSeconds";
inline constexpr const char* kPeakRss = "peakRssBytes";
inline constexpr const char* kCpu = "cpuSeconds";
inline constexpr const char* kOutputBytes = "outputBytes";
inline constexpr const char* kPhases = "phases";  // an array of objects with the next two
inline constexpr const char* kName = "name";
inline constexpr const char* kSeconds = "seconds";
}  // namespace key
inline constexpr size_t kReasonBytes = 64;
inline constexpr size_t kFingerprintBytes = 12, kSummaryBytes = 160;
/// Values of key::kVerdict.
inline constexpr const char* kHung = "Hung";
inline constexpr const char* kProgressing = "Progressing";

}  // namespace imagebatch::contract
