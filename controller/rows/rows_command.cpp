#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <random>
#include <thread>
#include <utility>

#include "base/text.h"
#include "batch/names.h"
#include "batch/problems.h"
#include "batch/read.h"
#include "cli/batch_file.h"
#include "cli/console.h"
#include "cli/read_all.h"
#include "kube/config/config.h"
#include "kube/config/proxy.h"
#include "kube/cpprest_transport.h"
#include "rows/commands.h"
#include "rows/config_maps.h"
#include "rows/dataset.h"
#include "rows/selection.h"

namespace imagebatch::rows {
namespace {

using cli::Exit;

constexpr size_t kMostFileBytes = size_t{1} << 30U;
constexpr size_t kMostSelectBytes = size_t{64} << 20U;

struct Options {
  std::string file, format, for_batch, select, name, ns, output = "yaml";
  DatasetSplit dataset;
  std::string server = "https://datasets-server.huggingface.co";
  std::vector<std::string> columns;
};

/// The records and what is to be told of them.
struct Read {
  std::vector<Record> records;
  std::vector<std::string> removed;  // columns
};

/// One line on a terminal that is drawn anew; nothing elsewhere.
class ProgressBar {
 public:
  ~ProgressBar() { Clear(); }

  void Draw(size_t done, size_t total) {
    if (!console_.terminal()) return;
    constexpr int kBesideBar = 30;
    const auto width = static_cast<size_t>(std::clamp(console_.columns() - kBesideBar, 5, 40));
    const size_t filled = total == 0 ? width : width * done / total;
    std::cerr << "\r\x1b[Krows [" << std::string(filled, '#') << std::string(width - filled, '.') << "] "
              << done << " of " << total << std::flush;
    drawn_ = true;
  }
  void Clear() {
    if (std::exchange(drawn_, false)) std::cerr << "\r\x1b[K" << std::flush;
  }

 private:
  const cli::Console console_{2};
  bool drawn_ = false;
};

/// HF_TOKEN goes to the server that is asked and to no other: not in the clear to another machine.
Result<kube::TransportConfig> ConfigOf(std::string server) {
  const bool secure = server.starts_with("https://");
  if (!secure && !server.starts_with("http://"))
    return Fail("--server " + Printable(server, 300) + ": must begin with https:// or http://");
  while (server.ends_with("/")) server.pop_back();
  kube::TransportConfig config;
  config.server = std::move(server);
  auto proxy = kube::CheckProxy(kube::ProxyFor(config.server, kube::ProxiesOfEnvironment()));
  if (!proxy) return tl::unexpected(proxy.error());
  config.proxy = std::move(*proxy);
  const char* token = std::getenv("HF_TOKEN");  // NOLINT(concurrency-mt-unsafe): nobody sets one
  if (token == nullptr || *token == '\0') return config;
  const auto is_host = [&](std::string_view host) {
    const std::string_view rest = std::string_view(config.server).substr(7);
    return rest.starts_with(host) &&
           (rest.size() == host.size() || rest[host.size()] == ':' || rest[host.size()] == '/');
  };
  if (!secure && !is_host("127.0.0.1") && !is_host("localhost")) {
    return Fail("--server " + Printable(config.server, 300) +
                ": HF_TOKEN would be sent in the clear; use https://, or unset HF_TOKEN");
  }
  config.token = token;
  return config;
}

Result<std::vector<Record>> Fetch(const Options& options, const Columns& columns) {
  const std::string what = "data set " + Printable(options.dataset.dataset, 200) + ": ";
  auto config = ConfigOf(options.server);
  if (!config) return tl::unexpected(config.error());
  const auto transport = kube::MakeCpprestTransport(*config);
  if (!transport) return Fail(what + transport.error().message);
  std::mt19937_64 random{std::random_device()()};
  ProgressBar bar;
  const FetchTools tools{
      **transport,
      [](Duration wait) { std::this_thread::sleep_for(wait); },
      [&] { return std::uniform_real_distribution<double>(0, 1)(random); },
      [&](size_t done, size_t total) { bar.Draw(done, total); },
      [&](const std::string& why, Duration wait) {
        bar.Clear();
        std::cerr << what << why << "; trying again in " << (wait.count() + 999) / 1000 << " s\n";
      },
  };
  auto records = FetchRecords(options.dataset, columns, tools);
  if (!records) return Fail(what + records.error().message);
  return records;
}

Result<std::vector<Record>> ReadFile(const Options& options, const Columns& columns) {
  const auto text = cli::ReadAll(options.file, kMostFileBytes);
  if (!text) return tl::unexpected(text.error());
  const std::string file = options.file == "-" ? "standard input" : Printable(options.file, 300);
  auto format = FormatOf(options.format.empty() ? options.file : "." + options.format, *text);
  if (!format) return Fail(file + ": is it JSON Lines, JSON, YAML or CSV? Say so with --format");
  return ReadRecords(*text, *format, file, columns);
}

Result<Wanted> FindWanted(const Options& options) {
  if (options.for_batch.empty()) {
    Wanted wanted{std::nullopt, "", {}, "--columns"};
    if (options.columns.empty()) return wanted;
    for (const std::string& column : options.columns) {
      if (!batch::IsColumnName(column)) {
        return Fail(
            "--columns: " + Quote(column) +
            " cannot be used in a batch; a column is called by a letter or _, then letters, digits, _ . -");
      }
    }
    wanted.columns.emplace(options.columns.begin(), options.columns.end());
    wanted.name_from = "$(row." + options.columns.front() + ")";
    return wanted;
  }
  const auto files = cli::ReadBatchFiles({options.for_batch});
  if (!files) {
    std::string problems;
    for (const std::string& problem : files.error()) problems += (problems.empty() ? "" : "\n") + problem;
    return Fail(problems);
  }
  if (files->batches.size() > 1)
    return Fail(Printable(options.for_batch, 300) + ": has more than one ImageBatch; give one of them");
  return WantedBy(files->batches.front().batch);
}

Result<Read> ReadRows(const Options& options) {
  const auto wanted = FindWanted(options);
  if (!wanted) return tl::unexpected(wanted.error());
  std::vector<std::string> names;
  if (!options.select.empty()) {
    const auto text = cli::ReadAll(options.select, kMostSelectBytes);
    if (!text) return tl::unexpected(text.error());
    auto read = batch::ReadNames(*text);
    if (!read) return Fail(Printable(options.select, 300) + ": " + read.error().message);
    names = std::move(*read);
  }
  auto records = options.file.empty() ? Fetch(options, wanted->columns) : ReadFile(options, wanted->columns);
  if (!records) return tl::unexpected(records.error());
  if (records->empty())
    return Fail(Printable(options.file.empty() ? options.dataset.dataset : options.file, 300) +
                ": has no rows");
  if (!names.empty()) {
    if (auto selected = SelectRecords(*records, *wanted, names); !selected)
      return Fail(Printable(options.select, 300) + ": " + selected.error().message);
  }
  auto removed = CheckColumns(*records, *wanted);
  if (!removed) return tl::unexpected(removed.error());
  return Read{std::move(*records), std::move(*removed)};
}

void TellRemoved(const std::vector<std::string>& columns) {
  if (columns.empty()) return;
  std::cerr << "left out, as a batch cannot use them: "
            << batch::Listed(std::vector<std::string_view>(columns.begin(), columns.end())) << "\n";
}

Exit Failed(const Error& error) {
  std::cerr << error.message << "\n";
  return Exit::Failed;
}

/// What is written once all is known, so that nobody takes a part for the whole.
Exit Rows(const Options& options) {
  const auto read = ReadRows(options);
  if (!read) return Failed(read.error());
  std::vector<std::string> lines;
  lines.reserve(read->records.size());
  for (const Record& record : read->records) lines.push_back(JsonLine(record));
  if (options.output == "jsonl") {
    for (const std::string& line : lines) std::cout << line << "\n";
    TellRemoved(read->removed);
    return Exit::Done;
  }
  const auto documents = MakeConfigMaps(lines, options.name, options.ns);
  if (!documents) return Failed(documents.error());
  for (const std::string& document : *documents) std::cout << "---\n" << document;
  TellRemoved(read->removed);
  std::cerr << lines.size() << (lines.size() == 1 ? " row" : " rows")
            << "; in the batch, as spec.images:\n  configMaps:\n";
  for (size_t i = 1; i <= documents->size(); ++i)
    std::cerr << "  - {name: " << options.name << "-" << i << ", key: " << kRowsKey << "}\n";
  return Exit::Done;
}

/// What is wrong with the options together; nothing where all is well.
std::string UsageProblem(const Options& options) {
  if (options.file.empty() == options.dataset.dataset.empty()) return "give either FILE or --dataset";
  if (!options.select.empty() && options.for_batch.empty() && options.columns.empty())
    return "--select needs --for, whose images.nameFrom names the rows, or --columns, the first of which "
           "does";
  if (options.output == "jsonl") return "";
  constexpr size_t kNumber = 3;  // "-64"
  if (options.name.empty()) return "--name is required: what the ConfigMaps are called";
  if (!batch::IsDnsSubdomain(options.name) || options.name.size() + kNumber > 253)
    return "--name " + Quote(options.name) + " must be lower-case letters, digits, - and .";
  if (!options.ns.empty() && !batch::IsDnsLabel(options.ns, 63))
    return "--namespace " + Quote(options.ns) + " must be lower-case letters, digits and -";
  return "";
}

}  // namespace

void AddRows(CLI::App& app, cli::Exit& exit) {
  CLI::App* command = app.add_subcommand("rows", "Make ConfigMaps of rows from a file or a data set");
  command->footer(
      R"(Writes immutable ConfigMaps of less than 1 MiB each to the standard output. What spec.images
needs for them is told on the standard error. HF_TOKEN, if set, is sent to the server.

Examples:
  imagebatch rows rows.csv --for batch.yaml --name rows | kubectl create -f -
  imagebatch rows --dataset princeton-nlp/SWE-bench_Verified --split test \
    --columns instance_id,repo,base_commit,version --name verified > verified.yaml

Exit codes: 0 done, 1 the rows cannot be read or used, 2 wrong usage.)");
  const auto options = std::make_shared<Options>();
  command->add_option("FILE", options->file,
                      "JSON Lines, a JSON array, YAML or CSV; - is the standard input");
  command->add_option("--format", options->format, "of FILE, where its name does not tell")
      ->check(CLI::IsMember({"jsonl", "json", "yaml", "csv"}));
  command->add_option("--dataset", options->dataset.dataset, "of Hugging Face: OWNER/NAME");
  command->add_option("--config", options->dataset.config, "of the data set, if it has several");
  command->add_option("--split", options->dataset.split, "of the data set, if it has several");
  command->add_option("--server", options->server, "a mirror of the datasets server");
  auto* columns = command->add_option("--columns", options->columns, "only these: A,B,C")
                      ->delimiter(',')
                      ->allow_extra_args(false);
  command->add_option("--for", options->for_batch, "only the columns that this batch file uses")
      ->excludes(columns);
  command->add_option("--select", options->select, "only rows named in this file, one name a line");
  command->add_option("--name", options->name, "of the ConfigMaps: NAME-1, NAME-2 ...");
  command->add_option("-n,--namespace", options->ns, "of the ConfigMaps");
  command->add_option("-o,--output", options->output, "yaml, or jsonl (the rows alone)")
      ->check(CLI::IsMember({"yaml", "jsonl"}));
  command->callback([options, &exit] {
    if (const std::string problem = UsageProblem(*options); !problem.empty())
      throw CLI::ValidationError(problem);
    exit = Rows(*options);
  });
}

}  // namespace imagebatch::rows
