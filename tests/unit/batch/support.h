#pragma once
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "batch/expand.h"
#include "batch/read.h"
#include "document/read.h"
#include "support/repository.h"

namespace imagebatch::batch {

/// Each problem as "where: message".
inline std::vector<std::string> Lines(const std::vector<Problem>& problems) {
  std::vector<std::string> lines;
  lines.reserve(problems.size());
  for (const Problem& problem : problems) lines.push_back(problem.where + ": " + problem.message);
  return lines;
}

/// A valid ImageBatch of one row and one stage, to be spoilt.
inline nlohmann::json ValidObject() {
  return nlohmann::json::parse(R"json({
    "apiVersion": "imagebatch.dev/v1alpha1", "kind": "ImageBatch",
    "metadata": {"name": "b", "namespace": "n", "uid": "u", "generation": 3},
    "spec": {
      "images": {"rows": [{"name": "a"}]},
      "stages": [{"name": "image", "image": "r/i:$(name)",
                  "template": {"spec": {"containers": [{"name": "build", "command": ["x"]}]}}}]}})json");
}

/// What ReadBatch has against an object; empty where nothing.
inline std::vector<std::string> ReadProblems(const nlohmann::json& object) {
  const auto batch = ReadBatch(object);
  return batch ? std::vector<std::string>() : Lines(batch.error());
}

inline nlohmann::json PodTemplate(std::vector<std::string> args = {}) {
  return {
      {"spec",
       {{"containers", nlohmann::json::array({{{"name", "build"}, {"command", {"x"}}, {"args", args}}})}}}};
}

inline Stage MakeStage(std::string name, std::string key, std::string image,
                       std::vector<std::string> needs = {}, std::vector<std::string> args = {}) {
  return {std::move(name), std::move(needs), std::move(key), std::move(image), PodTemplate(std::move(args))};
}

/// Rows as they are written in tests.
using RowMaps = std::vector<std::map<std::string, std::string>>;

/// Rows of which every column is used, with the origins spec.images.rows[0] and so on.
inline Rows MakeRows(const RowMaps& maps) {
  std::set<std::string, std::less<>> used;
  for (const auto& map : maps) {
    for (const auto& [column, value] : map) used.insert(column);
  }
  Rows rows(std::move(used));
  rows.Begin({"spec.images.rows[", "]"});
  for (const auto& map : maps) {
    rows.BeginRow();
    for (const auto& [column, value] : map) {
      rows.BeginColumn(column);
      rows.SetValue(value);
    }
    rows.AddRow(static_cast<uint32_t>(rows.size()));
  }
  return rows;
}

inline std::vector<std::string> ExpandProblems(const Batch& batch, Rows rows) {
  const auto expansion = Expand(batch, std::move(rows));
  return expansion ? std::vector<std::string>() : Lines(expansion.error());
}

}  // namespace imagebatch::batch
