#include "report/buildkit.h"

#include <algorithm>
#include <charconv>

namespace imagebatch::report {
namespace {

constexpr double kMostSeconds = 1e7;  // more is no time that a build took

void Raise(std::optional<double>& value, double to) { value = std::max(value.value_or(0), to); }

void AddTo(std::optional<double>& sum, std::optional<double> value) {
  if (value) sum = sum.value_or(0) + *value;
}

/// "1.5s"; nothing for anything else.
std::optional<double> ReadSeconds(std::string_view text) {
  double seconds = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, seconds, std::chars_format::fixed);
  if (error != std::errc() || std::string_view(at, static_cast<size_t>(end - at)) != "s") return std::nullopt;
  if (!(seconds >= 0 && seconds <= kMostSeconds)) return std::nullopt;
  return seconds;
}

/// How long the part took, of "pushing layers 3.3s done"; 0 of "pushing layers done", which was too short to
/// be told; nothing where it is not done.
std::optional<double> SecondsOfPart(std::string_view text) {
  constexpr std::string_view kDone = " done";
  if (!text.ends_with(kDone)) return std::nullopt;
  text.remove_suffix(kDone.size());
  const size_t space = text.rfind(' ');
  return space == std::string_view::npos ? 0 : ReadSeconds(text.substr(space + 1)).value_or(0);
}

/// Of what the program in a step prints: "0.125 Get:1 http://..."
bool IsOutput(std::string_view text) {
  const size_t digits = text.find_first_not_of("0123456789");
  return digits != 0 && digits != std::string_view::npos && text[digits] == '.';
}

}  // namespace

BuildKitLog::Kind BuildKitLog::KindOf(std::string_view name) {
  if (name.starts_with("[internal] load build context")) return Kind::Context;
  if (name.starts_with("importing cache manifest from ")) return Kind::CacheImport;
  if (name.starts_with("exporting cache") || name.starts_with("exporting to GitHub Actions Cache"))
    return Kind::CacheExport;
  if (name.starts_with("exporting to ")) return Kind::ImageExport;
  return Kind::Other;
}

void BuildKitLog::AddPart(Step& step, std::string_view text) {
  const auto seconds = SecondsOfPart(text);
  if (!seconds) return;
  if (text.starts_with("pushing layers")) Raise(step.push_layers, *seconds);
  if (text.starts_with("exporting manifest ") || text.starts_with("exporting manifest list ")) {
    step.manifests = std::min(step.manifests + *seconds, kMostSeconds);
    step.export_manifest = step.manifests;
  }
}

void BuildKitLog::Add(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (!line.starts_with('#')) return;
  line.remove_prefix(1);
  unsigned number = 0;
  const auto [at, error] = std::from_chars(line.data(), line.data() + line.size(), number);
  if (error != std::errc() || number == 0) return;
  line.remove_prefix(static_cast<size_t>(at - line.data()));
  if (!line.starts_with(' ')) return;
  const std::string_view text = line.substr(1);
  if (text.empty() || text == "..." || IsOutput(text)) return;
  if (steps_.size() >= kSteps && !steps_.contains(number)) return;
  Step& step = steps_[number];
  if (text.starts_with("DONE ")) {
    // A step that ends twice tells its whole time each time
    if (const auto seconds = ReadSeconds(text.substr(5))) Raise(step.seconds, *seconds);
  } else if (text == "CACHED") {
    step.cached = true;
  } else if (text.starts_with("ERROR")) {
    step.failed = true;
  } else if (!step.named) {
    step.named = true;
    step.kind = KindOf(text);
  } else if (step.kind == Kind::ImageExport) {
    AddPart(step, text);
  }
}

BuildKitTimes BuildKitLog::Times() const {
  BuildKitTimes times;
  if (std::none_of(steps_.begin(), steps_.end(), [](const auto& step) { return step.second.named; }))
    return times;
  int cached = 0, missed = 0;
  for (const auto& [number, step] : steps_) {
    if (step.cached) ++cached;
    if (step.failed && step.kind == Kind::CacheImport) ++missed;
    if (step.kind == Kind::Context) AddTo(times.context, step.seconds);
    if (step.kind == Kind::CacheImport) AddTo(times.cache_import, step.seconds);
    if (step.kind == Kind::CacheExport) AddTo(times.cache_export, step.seconds);
    if (step.kind == Kind::ImageExport) AddTo(times.image_export, step.seconds);
    AddTo(times.push_layers, step.push_layers);
    AddTo(times.export_manifest, step.export_manifest);
  }
  times.cached_steps = cached;
  times.cache_import_misses = missed;
  return times;
}

BuildKitTimes ReadBuildKitLog(std::string_view log) {
  BuildKitLog read;
  while (!log.empty()) {
    const std::string_view line = log.substr(0, log.find('\n'));
    read.Add(line);
    log.remove_prefix(std::min(log.size(), line.size() + 1));
  }
  return read.Times();
}

}  // namespace imagebatch::report
