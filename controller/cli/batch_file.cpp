#include "cli/batch_file.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "batch/read.h"
#include "batch/stage_uses.h"
#include "cli/read_all.h"
#include "document/json_member.h"
#include "document/read.h"

namespace imagebatch::cli {
namespace {

using document::PlacedDocument;
using document::StringMember;
using nlohmann::json;

constexpr const char* kKind = "ImageBatch";

struct Source {
  std::string file;
  PlacedDocument document;
};

/// Objects of kind List are taken apart, as kubectl does.
void Add(const std::string& file, PlacedDocument document, std::vector<Source>& sources) {
  const auto items = document.value.find("items");
  if (StringMember(document.value, "kind") != "List" || items == document.value.end() || !items->is_array()) {
    sources.push_back({file, std::move(document)});
    return;
  }
  for (size_t i = 0; i < items->size(); ++i) {
    const std::string prefix = "items[" + std::to_string(i) + "]";
    PlacedDocument item{std::move((*items)[i]), {}};
    for (const auto& [path, place] : document.places) {
      if (path == prefix) item.places[""] = place;
      if (path.starts_with(prefix + ".")) item.places[path.substr(prefix.size() + 1)] = place;
    }
    if (item.value.is_object()) sources.push_back({file, std::move(item)});
  }
}

std::string At(const Source& source, std::string_view path) {
  const document::Place place = source.document.PlaceOf(path);
  return Printable(source.file, 300) + ":" + std::to_string(place.line) + ":" + std::to_string(place.column) +
         ": ";
}

std::string Line(const Source& source, const batch::Problem& problem) {
  std::string line = At(source, problem.where);
  if (!problem.where.empty()) line += problem.where + ": ";
  return line + Printable(problem.message, 1000);
}

bool IsConfigMapOf(const json& object, const batch::Batch& batch, std::string_view name) {
  if (StringMember(object, "kind") != "ConfigMap") return false;
  const auto metadata = object.find("metadata");
  if (metadata == object.end() || !metadata->is_object()) return false;
  const std::string ns = StringMember(*metadata, "namespace");
  return StringMember(*metadata, "name") == name && (ns.empty() || batch.ns.empty() || ns == batch.ns);
}

/// The rows of `batch`, as far as the documents have them.
struct FoundRows {
  batch::Rows rows;
  std::vector<std::string> listed;  // of images.select.configMap
  std::vector<batch::Problem> problems;
  std::vector<std::string> missing;
};

FoundRows ReadRows(const batch::Batch& batch, const std::vector<Source>& sources) {
  FoundRows found{batch::Rows(batch::UsedColumns(batch)), {}, {}, {}};
  batch::ReadInlineRows(batch.images, found.rows, found.problems);
  const std::vector<batch::ConfigMapKey> wanted_maps = batch::Sources(batch.images);
  for (size_t i = 0; i < wanted_maps.size(); ++i) {
    const batch::ConfigMapKey& wanted = wanted_maps[i];
    const auto source = std::find_if(sources.begin(), sources.end(), [&](const Source& one) {
      return IsConfigMapOf(one.document.value, batch, wanted.name);
    });
    if (source == sources.end()) {
      found.missing.push_back("ConfigMap " + wanted.name);
      continue;
    }
    const auto data = source->document.value.find("data");
    const bool there = data != source->document.value.end() && data->is_object() &&
                       data->contains(wanted.key) && (*data)[wanted.key].is_string();
    if (!there) {
      found.problems.push_back(
          {"ConfigMap " + wanted.name, "has no key " + wanted.key + " in its data; add it"});
      continue;
    }
    batch::ReadSource(batch.images, i, (*data)[wanted.key].get_ref<const std::string&>(), found.rows,
                      found.listed, found.problems);
  }
  return found;
}

void ReadOne(const Source& source, const std::vector<Source>& sources, BatchFiles& files,
             std::vector<std::string>& problems) {
  const auto add = [&](const std::vector<batch::Problem>& found) {
    for (const batch::Problem& problem : found) problems.push_back(Line(source, problem));
  };
  json object = source.document.value;
  auto batch = batch::ReadBatch(object);
  if (!batch) return add(batch.error());
  FoundRows found = ReadRows(*batch, sources);
  if (!found.problems.empty()) return add(found.problems);
  BatchFile file{source.file, std::move(object), std::move(*batch), std::nullopt, std::move(found.missing)};
  if (file.missing.empty()) {
    auto expansion = batch::Expand(file.batch, std::move(found.rows), found.listed);
    if (!expansion) return add(expansion.error());
    file.expansion = std::move(*expansion);
  }
  files.batches.push_back(std::move(file));
}

/// Of one file.
void ReadSources(const std::string& file, const std::string& text, std::vector<Source>& sources,
                 std::vector<std::string>& problems) {
  auto documents = document::ReadYamlDocuments(text, kMostFileBytes);
  if (!documents) {
    problems.push_back(Printable(file, 300) + ": " + documents.error().message);
    return;
  }
  for (PlacedDocument& document : *documents) {
    const std::string at = At({file, {json(), document.places}}, "");
    if (!document.value.is_object() || StringMember(document.value, "kind").empty()) {
      problems.push_back(at + "this is no Kubernetes object: it has no kind");
    } else {
      Add(file, std::move(document), sources);
    }
  }
}

/// `files` is what messages call all of them; `problems` are those so far.
tl::expected<BatchFiles, std::vector<std::string>> ReadBatches(const std::string& files,
                                                               std::vector<Source> sources,
                                                               std::vector<std::string> problems) {
  BatchFiles read;
  bool any = false;
  for (const Source& source : sources) {
    if (StringMember(source.document.value, "kind") != kKind) continue;
    any = true;
    ReadOne(source, sources, read, problems);
  }
  if (!any && problems.empty()) problems.push_back(files + " no object of kind " + kKind);
  if (!problems.empty()) return tl::unexpected(std::move(problems));
  for (Source& source : sources) read.documents.push_back(std::move(source.document.value));
  return read;
}

}  // namespace

tl::expected<BatchFiles, std::vector<std::string>> ReadBatchFiles(const std::vector<std::string>& files) {
  std::vector<Source> sources;
  std::vector<std::string> problems;
  for (const std::string& file : files) {
    const auto text = ReadAll(file, kMostFileBytes);
    if (text) {
      ReadSources(file, *text, sources, problems);
    } else {
      problems.push_back(text.error().message);
    }
  }
  return ReadBatches(files.size() == 1 ? Printable(files[0], 300) + ": has" : std::string("the files have"),
                     std::move(sources), std::move(problems));
}

tl::expected<BatchFiles, std::vector<std::string>> ReadBatchText(const std::string& name,
                                                                 const std::string& text) {
  std::vector<Source> sources;
  std::vector<std::string> problems;
  ReadSources(name, text, sources, problems);
  return ReadBatches(name + ": has", std::move(sources), std::move(problems));
}

tl::expected<BatchFile, std::vector<std::string>> ReadBatchFile(const std::vector<std::string>& files) {
  auto read = ReadBatchFiles(files);
  if (!read) return tl::unexpected(std::move(read.error()));
  std::vector<std::string> problems;
  if (read->batches.size() > 1) {
    problems.push_back("the files have " + std::to_string(read->batches.size()) +
                       " ImageBatches; give one of them");
  }
  BatchFile& batch = read->batches.front();
  for (const std::string& missing : batch.missing) {
    problems.push_back(Printable(batch.file, 300) + ": " + missing +
                       " has its rows; give the file with it, too");
  }
  if (!problems.empty()) return tl::unexpected(std::move(problems));
  return std::move(batch);
}

}  // namespace imagebatch::cli
