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

/// A batch of the given spec, as YAML in flow style: `spec` follows "images: ...".
inline batch::Batch BatchOf(const std::string& spec) {
  const auto object = document::ReadYaml(
      "apiVersion: imagebatch.dev/v1alpha1\nkind: ImageBatch\nmetadata: {name: b}\nspec:\n" + spec, 1 << 20);
  EXPECT_TRUE(object) << (object ? "" : object.error().message);
  auto batch = batch::ReadBatch(*object);
  EXPECT_TRUE(batch) << (batch ? "" : batch.error().front().where + ": " + batch.error().front().message);
  return *std::move(batch);
}

inline batch::Expansion ExpansionOf(const batch::Batch& batch) {
  std::vector<batch::Problem> problems;
  batch::Rows rows(batch::UsedColumns(batch));
  batch::ReadInlineRows(batch.images, rows, problems);
  EXPECT_TRUE(problems.empty());
  auto expansion = batch::Expand(batch, std::move(rows));
  EXPECT_TRUE(expansion);
  return *std::move(expansion);
}

/// Rows "one", "two", ...; one stage, whose Pod has this spec.
inline std::string OneStage(const std::string& rows, const std::string& pod, const std::string& more = "") {
  return "  images: {rows: [" + rows + "]}\n" + more +
         "  stages:\n  - {name: image, image: r/x:$(name), template: {metadata: {labels: {team: a}}, spec: " +
         pod + "}}\n";
}

}  // namespace imagebatch::local
