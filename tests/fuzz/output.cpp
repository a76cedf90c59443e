// The whole way of the output: the same however it is split, bounded, and always valid JSON in the end.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

#include "base/mask.h"
#include "contract/contract.h"
#include "fuzz/fuzz.h"
#include "runner/output/output_reader.h"
#include "runner/report/report.h"

using namespace imagebatch;

namespace {

void Feed(runner::OutputReader& reader, std::string_view text, size_t step) {
  hang::TimePoint now{};
  for (; !text.empty(); text.remove_prefix(std::min(step, text.size()))) {
    reader.Add(0, text.substr(0, step), now);
  }
}

}  // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text = fuzz::Text(data, size);
  const size_t step = 1 + fuzz::TakeByte(text);
  runner::OutputReader whole, parts;
  Feed(whole, text, text.size() + 1);
  Feed(parts, text, step);
  fuzz::Expect(whole.Tail().Last() == parts.Tail().Last(), "splitting leaves the last lines");
  fuzz::Expect(whole.Tail().Lines() == parts.Tail().Lines(), "splitting leaves the number of lines");
  fuzz::Expect(whole.Said().news == parts.Said().news, "splitting leaves the news");
  fuzz::Expect(whole.Tail().Phases().Current() == parts.Tail().Phases().Current(),
               "splitting leaves the phase");

  runner::Evidence evidence;
  for (const std::string& line : whole.Tail().Last()) {
    fuzz::Expect(line.size() <= runner::LineTail::kLineBytes + 1, "lines are cut");
    evidence.output.push_back(MaskSecrets(line));
  }
  fuzz::Expect(evidence.output.size() <= runner::LineTail::kLines, "so many lines");
  runner::Snapshot snapshot;
  snapshot.verdict.finding =
      hang::Finding{hang::Class::Looping, "NothingNew", std::string(text.substr(0, 400))};
  snapshot.phase = std::string(whole.Tail().Phases().Current());
  snapshot.evidence = &evidence;
  runner::Outcome outcome;
  outcome.phases = whole.Tail().Phases().Until(snapshot.now);
  const std::string line = runner::RenderLogLine(snapshot, "marker");
  const std::string state = runner::RenderState(snapshot);
  const size_t limit = contract::kLeastResultBytes +
                       text.size() % (contract::kMostResultBytes - contract::kLeastResultBytes + 1);
  const std::string result = runner::RenderResult(snapshot, outcome, "marker", limit);
  fuzz::Expect(line.size() <= runner::kLogLineBytes, "the log line fits");
  fuzz::Expect(state.size() <= runner::kStateBytes, "the state fits");
  fuzz::Expect(result.size() <= limit, "the result fits");
  for (const std::string* json : {&line, &state, &result}) {
    fuzz::Expect(nlohmann::json::accept(*json), "it is JSON, and so UTF-8");
  }
  return 0;
}
