#include "hang/gauge.h"

#include <algorithm>
#include <string>

namespace imagebatch::hang {
namespace {

/// Each in small letters, with a space on both sides.
using WordList = std::string_view;

/// What monitors show (free, df, ps, top, docker stats, JVM, Node's process.memoryUsage()).
constexpr WordList kStates =
    " rss vsz vss uss pss vms vmrss vmsize mem memory ram heap nonheap metaspace swap cache cached caches"
    " buffers buffer disk disks storage space free avail available used usage use utilization utilisation "
    "util"
    " load cpu cpus gpu vram iowait idle log logs logfile quota inode inodes thread threads goroutines fd fds"
    " handles sockets connections conns queue queued depth backlog pressure temp temperature battery "
    "committed"
    " allocated reserved overhead external arraybuffers average avg footprint slab dirty writeback pids"
    " capacity fragmentation loadavg ";

/// Stand between what is measured and its value ("heap size 120 MB").
constexpr WordList kQualifiers =
    " usage used use size total free peak max maximum min minimum current count level percent pct avail"
    " available limit footprint consumption pressure utilization utilisation average avg set mb kb gb mib gib"
    " bytes resident in hit hits miss misses rate ratio ";

constexpr size_t kMostQualifiers = 2;  // "cache hit rate 71%"

/// Say nothing by themselves.
constexpr WordList kFillers = " is are at now currently still the about around approx approximately ";

/// Time, of which a limit is made.
constexpr WordList kTimes =
    " minute minutes min mins second seconds sec secs hour hours hr hrs day days time timeout elapsed "
    "deadline"
    " waited waiting wait countdown remaining uptime lifetime age expires ttl timer heartbeat heartbeats ";

/// Begin what says where it was measured ("disk usage on /var/lib: 71%").
constexpr WordList kPlaces = " on of for in at ";
constexpr size_t kPlaceWords = 4;

constexpr WordList kBehind =
    " used free full memory mem ram rss cpu disk load heap swap available avail idle busy usage utilization"
    " utilisation elapsed remaining"
    " resident connections conns sockets goroutines threads handles fds inodes hits misses ";

/// "12% of the time limit".
constexpr WordList kWholes =
    " limit timeout deadline budget quota memory mem ram disk time heap space swap cpu allowance capacity"
    " minutes hours seconds ";

/// Words in -ing that are no work at what is measured.
constexpr WordList kNoWork =
    " waiting running remaining using monitoring pending sleeping polling pinging retrying trying hanging"
    " idling holding keeping watching listening nothing something anything everything during being including"
    " existing rising growing swapping thing string ping ring missing according outstanding working alive ";

/// The beginnings of what is said where bytes go over.
constexpr std::string_view kTransfers[] = {
    "download", "receiv",  "fetch",    "transfer",  "sent",       "send",       "upload",   "copie",
    "copy",     "writing", "written",  "wrote",     "reading",    "extract",    "unpack",   "untar",
    "pull",     "push",    "loaded",   "loading",   "import",     "export",     "stream",   "saved",
    "saving",   "restor",  "packing",  "packed",    "compress",   "decompress", "archiv",   "deflat",
    "inflat",   "hashed",  "hashing",  "processed", "processing", "scanned",    "scanning", "dump",
    "cloning",  "install", "sync",     "replicat",  "convert",    "encod",      "decod",    "zeroed",
    "zeroing",  "wiping",  "flashing", "burning",   "unzip",      "retriev"};

std::string Small(std::string_view word) {
  std::string small(word);
  std::transform(small.begin(), small.end(), small.begin(), [](char byte) {
    return byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte | 0x20) : byte;
  });
  return small;
}

bool Has(WordList list, std::string_view word) {
  return word.size() < 20 && list.find(" " + Small(word) + " ") != std::string_view::npos;
}

bool IsState(std::string_view word) { return Has(kStates, word) || Small(word).ends_with("usage"); }

bool IsWork(std::string_view word) { return Small(word).ends_with("ing") && !Has(kNoWork, word); }

bool EndsInState(Words words) {
  while (!words.empty() && Has(kFillers, words.back())) words = words.first(words.size() - 1);
  for (size_t qualifiers = 0; !words.empty(); words = words.first(words.size() - 1)) {
    if (IsState(words.back())) return true;
    if (!Has(kQualifiers, words.back()) || ++qualifiers > kMostQualifiers) return false;
  }
  return false;
}

/// Without what says where.
Words WithoutPlace(Words words) {
  for (size_t behind = 1; behind <= std::min(kPlaceWords, words.size()); ++behind) {
    if (Has(kPlaces, words[words.size() - behind])) return words.first(words.size() - behind);
  }
  return words;
}

bool OfAWhole(Words after) {
  if (after.empty() || Small(after.front()) != "of") return false;
  const Words next = after.subspan(1).first(std::min<size_t>(4, after.size() - 1));
  return std::any_of(next.begin(), next.end(), [](std::string_view word) { return Has(kWholes, word); });
}

}  // namespace

bool IsGauge(Words before, Words after) {
  while (!before.empty() && Has(kFillers, before.back())) before = before.first(before.size() - 1);
  if (!before.empty() && Has(kTimes, before.back())) return true;
  if (OfAWhole(after)) return true;
  if (std::any_of(before.begin(), before.end(), IsWork)) return false;
  if (!after.empty() && Has(kBehind, after.front())) return true;
  return EndsInState(before) || EndsInState(WithoutPlace(before));
}

bool TellsTransfer(Words line) {
  return std::any_of(line.begin(), line.end(), [](std::string_view word) {
    const std::string small = Small(word);
    return small == "read" || std::any_of(std::begin(kTransfers), std::end(kTransfers),
                                          [&](std::string_view each) { return small.starts_with(each); });
  });
}

}  // namespace imagebatch::hang
