#include "cli/report_source.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <utility>

#include "base/text.h"
#include "cli/batch_file.h"
#include "cli/read_all.h"
#include "report/buildkit.h"

namespace imagebatch::cli {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMostResultBytes = size_t{1} << 30U;
constexpr size_t kMostEvidenceBytes = size_t{1} << 20U;
constexpr const char* kResults = "results.jsonl";

using Problems = std::vector<std::string>;

/// A file of the batch, by what a result line says; nothing where that leads out of its directory.
std::optional<fs::path> Within(const fs::path& root, const std::string& path) {
  const fs::path relative(path);
  if (path.empty() || path.find('\0') != std::string::npos || relative.is_absolute()) return std::nullopt;
  const bool climbs =
      std::any_of(relative.begin(), relative.end(), [](const fs::path& part) { return part == ".."; });
  if (climbs) return std::nullopt;
  return root / relative;
}

bool IsRegularFile(const fs::path& path) {
  std::error_code error;
  return fs::symlink_status(path, error).type() == fs::file_type::regular;
}

/// "hello" of builds/hello, of builds/hello/ and of "." in it.
std::string NameOf(const fs::path& directory) {
  const fs::path whole = fs::absolute(directory).lexically_normal();
  return whole.has_filename() ? whole.filename() : whole.parent_path().filename();
}

bool IsBatchFile(const std::string& source) {
  const std::string ending = fs::path(source).extension();
  return ending == ".yaml" || ending == ".yml";
}

tl::expected<ReportSource, Problems> ReadFile(const std::string& file, std::optional<fs::path> root) {
  const auto text = ReadAll(file, kMostResultBytes);
  if (!text) return tl::unexpected(Problems{text.error().message});
  auto reading = report::ReadResults(*text);
  if (!reading) return tl::unexpected(Problems{Printable(file, 300) + ": " + reading.error().message});
  return ReportSource{file, std::move(*reading), std::move(root)};
}

tl::expected<ReportSource, Problems> ReadDirectory(const fs::path& root) {
  const fs::path file = root / kResults;
  if (!IsRegularFile(file)) {
    return tl::unexpected(
        Problems{Printable(root.string(), 300) + ": has no " + kResults + ", which imagebatch run writes"});
  }
  auto source = ReadFile(file, root);
  if (source) source->reading.material.batch = NameOf(root);
  return source;
}

tl::expected<ReportSource, Problems> ReadOfBatch(const std::vector<std::string>& files) {
  const auto file = ReadBatchFile(files);
  if (!file) return tl::unexpected(file.error());
  auto source = ReadDirectory(fs::path("builds") / file->batch.name);
  if (!source) return source;
  source->reading.material.batch = file->batch.name;
  source->reading.material.expected = ExpectedOf(file->batch, *file->expansion);
  return source;
}

report::BuildKitTimes ReadLog(const fs::path& path) {
  constexpr size_t kMostLine = 4096;  // a longer line tells no times
  report::BuildKitLog log;
  std::string line;
  std::ifstream in(path, std::ios::binary);
  for (std::array<char, 65536> piece{}; in.read(piece.data(), piece.size()) || in.gcount() > 0;) {
    std::string_view rest(piece.data(), static_cast<size_t>(in.gcount()));
    while (!rest.empty()) {
      const size_t end = rest.find('\n');
      line.append(rest.substr(0, std::min(end, kMostLine)));
      if (line.size() > kMostLine) line.resize(kMostLine);
      if (end == std::string_view::npos) break;
      log.Add(line);
      line.clear();
      rest.remove_prefix(end + 1);
    }
  }
  log.Add(line);
  return log.Times();
}

}  // namespace

tl::expected<ReportSource, Problems> ReadReportSource(const std::vector<std::string>& sources) {
  if (std::all_of(sources.begin(), sources.end(), IsBatchFile)) return ReadOfBatch(sources);
  if (sources.size() > 1)
    return tl::unexpected(
        Problems{"several files are read only of one batch: give YAML files, or one source"});
  const fs::path path(sources[0]);
  std::error_code error;
  if (sources[0] != "-" && fs::is_directory(path, error)) return ReadDirectory(path);
  const bool in_its_place = path.filename() == kResults;
  const fs::path root = path.has_parent_path() ? path.parent_path() : fs::path(".");
  auto source = ReadFile(sources[0], in_its_place ? std::optional(root) : std::nullopt);
  if (source && source->reading.material.batch.empty() && sources[0] != "-")
    source->reading.material.batch = in_its_place ? NameOf(root) : path.stem().string();
  return source;
}

std::vector<report::Expected> ExpectedOf(const batch::Batch& batch, const batch::Expansion& expansion) {
  std::vector<report::Expected> all;
  for (size_t i = 0; i < expansion.builds.size(); ++i) {
    const batch::Build& build = expansion.builds[i];
    report::Expected expected{batch.stages[build.stage].name, std::string(build.key), {}};
    for (const uint32_t need : expansion.needs[i]) expected.needs.push_back(need);
    all.push_back(std::move(expected));
  }
  return all;
}

void ReadLogs(ReportSource& source) {
  if (!source.root) return;
  for (report::Attempt& attempt : source.reading.material.attempts) {
    const auto path = Within(*source.root, attempt.log_path);
    if (!path || !IsRegularFile(*path)) continue;
    attempt.buildkit = ReadLog(*path);
    attempt.log_path = *path;
  }
}

std::string ReadEvidence(const ReportSource& source, const std::string& record) {
  const auto& stored = source.reading.material.evidence;
  if (const auto at = stored.find(record); at != stored.end()) return at->second;
  const auto path = source.root ? Within(*source.root, record) : std::nullopt;
  if (!path || !IsRegularFile(*path)) return "";
  return ReadAll(*path, kMostEvidenceBytes).value_or("");
}

}  // namespace imagebatch::cli
