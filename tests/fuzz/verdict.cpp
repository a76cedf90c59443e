// The runner's verdict in an untrusted log: bounded and printable, and other lines change nothing.
#include <algorithm>
#include <cctype>
#include <string>

#include "cluster/evidence.h"
#include "fuzz/fuzz.h"

using namespace imagebatch;

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view log = fuzz::Text(data, size);
  const auto verdict = cluster::FindVerdict(log);
  const auto beside = cluster::FindVerdict("a line\n" + std::string(log) + "\n{\"imagebatch\":\n{}\n");
  fuzz::Expect(verdict.has_value() == beside.has_value(), "other lines make and hide no verdict");
  if (!verdict) return 0;
  fuzz::Expect(verdict->klass == beside->klass && verdict->digest == beside->digest, "nor change it");
  fuzz::Expect(verdict->message.size() <= 512, "the message is bounded");
  fuzz::Expect(std::none_of(verdict->message.begin(), verdict->message.end(),
                            [](unsigned char byte) { return byte < 0x20 || byte == 0x7F; }),
               "the message is printable");
  fuzz::Expect(verdict->digest.find_first_not_of("0123456789abcdefsh:") == std::string::npos, "a digest");
  fuzz::Expect(std::all_of(verdict->klass.begin(), verdict->klass.end(),
                           [](unsigned char byte) { return std::isalpha(byte) != 0; }),
               "a class is one of ours");
  return 0;
}
