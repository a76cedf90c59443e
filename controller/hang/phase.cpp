#include "hang/phase.h"

#include <charconv>

namespace imagebatch::hang {
namespace {

template <class Prefixes = std::initializer_list<std::string_view>>
bool StartsWithAny(std::string_view text, const Prefixes& prefixes) {
  for (std::string_view prefix : prefixes) {
    if (text.starts_with(prefix)) return true;
  }
  return false;
}

/// "pushing layers 0.2s" without its time; a text without one stays as it is.
std::string_view WithoutTime(std::string_view text) {
  const size_t space = text.rfind(' ');
  if (space == std::string_view::npos) return text;
  const std::string_view last = text.substr(space + 1);
  if (last.size() < 2 || last.back() != 's') return text;
  if (last.find_first_not_of("0123456789.") != last.size() - 1) return text;
  return text.substr(0, space);
}

/// What BuildKit and buildx say of a step without brackets, and of its parts (see the table of
/// hang/patience.cpp).
constexpr std::string_view kParts[] = {"exporting ",       "pushing ",
                                       "importing cache ", "preparing build cache ",
                                       "writing ",         "extracting ",
                                       "unpacking ",       "sending tarball",
                                       "copying files",    "importing to docker",
                                       "loading layer ",   "resolving provenance "};

/// "extracting" of "extracting sha256:ab": of many layers, one is open at a time.
std::string_view WithoutLayer(std::string_view name) {
  for (std::string_view many : {"extracting sha256:", "loading layer ", "writing layer sha256:"}) {
    if (name.starts_with(many)) return many.substr(0, many.rfind(' '));
  }
  return name;
}

/// "Step 3/5 : RUN make", "STEP 3/5: RUN make".
std::optional<StepLine> ParseClassicLine(std::string_view line) {
  if (line.empty() || (line.front() != 'S' && line.front() != 'C')) return std::nullopt;
  if (StartsWithAny(line, {"Successfully built ", "COMMIT "}))
    return StepLine{.step = 0, .kind = StepLine::Kind::EndStep, .name = {}};
  if (!StartsWithAny(line, {"Step ", "STEP "})) return std::nullopt;
  const size_t digits = line.find_first_not_of("0123456789/", 5);
  if (digits == 5 || digits == std::string_view::npos) return std::nullopt;
  if (line.substr(5, digits - 5).find('/') == std::string_view::npos) return std::nullopt;
  if (!StartsWithAny(line.substr(digits), {": ", " : "})) return std::nullopt;
  return StepLine{.step = 0, .kind = StepLine::Kind::Begin, .name = line};
}

}  // namespace

std::optional<StepLine> ParseStepLine(std::string_view line) {
  if (!line.starts_with('#')) return ParseClassicLine(line);
  StepLine result;
  const auto [rest, error] = std::from_chars(line.data() + 1, line.data() + line.size(), result.step);
  if (error != std::errc()) return std::nullopt;
  line.remove_prefix(static_cast<size_t>(rest - line.data()));
  if (line.size() < 2 || line.front() != ' ') return std::nullopt;
  line.remove_prefix(1);
  if (line.front() >= '0' && line.front() <= '9') return std::nullopt;  // most lines: what the step prints
  if (line == "CACHED" || line == "CANCELED" || StartsWithAny(line, {"DONE ", "ERROR"})) {
    result.kind = StepLine::Kind::EndStep;
    return result;
  }
  if (line.front() == '[' && line.find("] ") != std::string_view::npos) {
    result.name = line;
    return result;
  }
  if (!StartsWithAny(line, kParts)) return std::nullopt;
  constexpr std::string_view kDone = " done";
  if (line.ends_with(kDone)) {
    result.kind = StepLine::Kind::EndPart;
    line.remove_suffix(kDone.size());
  }
  result.name = WithoutLayer(WithoutTime(line));
  return result;
}

void PhaseLog::Add(std::string_view line, TimePoint now) {
  const std::optional<StepLine> parsed = ParseStepLine(line);
  if (!parsed) return;
  if (parsed->kind == StepLine::Kind::Begin) {
    Begin(*parsed, now);
    return;
  }
  const std::string_view name = parsed->name.substr(0, kNameBytes);
  for (Entry& entry : entries_) {
    if (entry.step != parsed->step) continue;
    if (parsed->kind == StepLine::Kind::EndStep || entry.name == name) End(entry, now);
  }
}

void PhaseLog::Begin(const StepLine& line, TimePoint now) {
  const std::string_view name = line.name.substr(0, kNameBytes);
  for (Entry& entry : entries_) {
    if (line.step == 0 && entry.step == 0 && entry.name != name) End(entry, now);
  }
  for (Entry& entry : entries_) {
    if (entry.step != line.step || entry.name != name) continue;
    // BuildKit prints a step's name again whenever it comes back to it from another: then it goes on.
    if (!entry.open_since) entry.open_since = now;
    return;
  }
  if (entries_.size() < kPhases) entries_.push_back({line.step, std::string(name), now, {}});
}

void PhaseLog::End(Entry& entry, TimePoint now) {
  if (!entry.open_since) return;
  entry.spent += now - *entry.open_since;
  entry.open_since.reset();
}

std::string_view PhaseLog::Current() const {
  const Entry* current = nullptr;
  for (const Entry& entry : entries_) {
    if (!entry.open_since) continue;
    if (current == nullptr || *entry.open_since >= *current->open_since) current = &entry;
  }
  return current == nullptr ? std::string_view() : current->name;
}

std::vector<Phase> PhaseLog::Until(TimePoint now) const {
  std::vector<Phase> phases;
  phases.reserve(entries_.size());
  for (const Entry& entry : entries_) {
    std::chrono::duration<double> spent = entry.spent;
    if (entry.open_since) spent += now - *entry.open_since;
    phases.push_back({entry.name, spent.count()});
  }
  return phases;
}

}  // namespace imagebatch::hang
