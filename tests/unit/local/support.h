#pragma once
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "batch/expand.h"
#include "batch/read.h"
#include "batch/stage_uses.h"
#include "document/read.h"

namespace imagebatch::local {

/// An ImageBatch of the given spec, in YAML with two columns of indentation.
inline nlohmann::json ObjectOf(const std::string& spec) {
  const auto object = document::ReadYaml(
      "apiVersion: imagebatch.dev/v1alpha1\nkind: ImageBatch\nmetadata: {name: b}\nspec:\n" + spec, 1 << 20);
  EXPECT_TRUE(object) << (object ? "" : object.error().message);
  return *object;
}

inline batch::Batch BatchOf(const std::string& spec) {
  auto batch = batch::ReadBatch(ObjectOf(spec));
  EXPECT_TRUE(batch) << (batch ? "" : batch.error().front().where + ": " + batch.error().front().message);
  return *std::move(batch);
}

inline batch::Expansion ExpansionOf(const batch::Batch& batch) {
  std::vector<batch::Problem> problems;
  batch::Rows rows(batch::UsedColumns(batch));
  batch::ReadInlineRows(batch.images, rows, problems);
  EXPECT_TRUE(problems.empty());
  auto expansion = batch::Expand(batch, std::move(rows));
  EXPECT_TRUE(expansion) << (expansion ? ""
                                       : expansion.error()[0].where + ": " + expansion.error()[0].message);
  return *std::move(expansion);
}

/// Rows "one", "two", ...; one stage, whose Pod has this spec.
inline std::string OneStage(const std::string& rows, const std::string& pod, const std::string& more = "") {
  return "  images: {rows: [" + rows + "]}\n" + more +
         "  stages:\n  - {name: image, image: r/x:$(name), template: {metadata: {labels: {team: a}}, spec: " +
         pod + "}}\n";
}

}  // namespace imagebatch::local
