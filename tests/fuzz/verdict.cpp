// The runner's words in an untrusted log: only with the marker, bounded, printable and without the marker;
// what is kept of a log is bounded and has no control characters.
#include <algorithm>
#include <cctype>
#include <string>

#include "cluster/objects/evidence.h"
#include "cluster/objects/log_lines.h"
#include "cluster/objects/log_search.h"
#include "contract/contract.h"
#include "fuzz/fuzz.h"

using namespace imagebatch;

namespace {

constexpr const char* kMarker = "m4rk3r";
constexpr size_t kKept = size_t{64} * 1024;

bool IsControl(unsigned char byte) { return (byte < 0x20 && byte != '\n') || byte == 0x7F; }

}  // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string log(fuzz::Text(data, size));
  cluster::LogSearch search(kMarker, {}), beside(kMarker, {}), stranger("another", {});
  const std::string among = "a line\n" + log + "\n{\"imagebatch\":\n{}\n";
  search.OnPiece(log, log.size());
  beside.OnPiece(among, among.size());
  stranger.OnPiece(log, log.size());
  fuzz::Expect(!stranger.found() || log.find("another") != std::string::npos, "nothing without the marker");
  const auto& found = search.found();
  fuzz::Expect(found.has_value() == beside.found().has_value(), "other lines make and hide no verdict");
  const std::string kept = cluster::KeptLog(log, kMarker);
  fuzz::Expect(kept.size() <= kKept && std::none_of(kept.begin(), kept.end(), IsControl), "what is kept");
  fuzz::Expect(kept.find(kMarker) == std::string::npos, "nor is the marker");
  if (!found) return 0;
  const cluster::Verdict& verdict = found->verdict;
  fuzz::Expect(found->json == beside.found()->json, "nor change it");
  fuzz::Expect(verdict.message.size() <= 512 && verdict.reason.size() <= 40, "texts are bounded");
  fuzz::Expect(std::none_of(verdict.message.begin(), verdict.message.end(), IsControl), "and printable");
  fuzz::Expect(std::find(contract::kClasses.begin(), contract::kClasses.end(), verdict.class_name) !=
                   contract::kClasses.end(),
               "a class is one of ours");
  return 0;
}
