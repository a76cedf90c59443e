#pragma once
#include <nlohmann/json.hpp>
#include <tl/expected.hpp>
#include <vector>

#include "batch/types.h"

namespace imagebatch::batch {

/// No batch has more rows or builds than this.
inline constexpr size_t kMaxBuilds = 100000;

/// The whole work of a batch: a pure function of the spec and its rows.
struct Expansion {
  std::vector<Row> rows;      // in input order, named
  std::vector<Build> builds;  // stage by stage, each in the order of its first row
};

/// Names the rows, renders keys and images, merges builds with the same key, and checks: row names unique, 1
/// to 253 printable bytes, every $(name) known in every row, no column that is a variable too, image
/// references valid (distribution/reference: at most 128 characters of tag), no two builds pushing the same
/// image, rows that share a key agreeing in every value that the stage's image and template use (else the
/// message names both rows and the value), 1 to kMaxBuilds rows and builds. What is wrong for every row is
/// told once. `batch` comes from ReadBatch.
tl::expected<Expansion, std::vector<Problem>> Expand(const Batch& batch, std::vector<Row> rows);

/// The Pod template of a build: every string value of the stage's template with $(...) replaced.
/// Never through a shell. What the kubelet expands a second time (see DollarsAt in template_strings.h:
/// command, args, env[].value and a few more) keeps its $$, and values are inserted there with every $
/// doubled; elsewhere $$ becomes $. Either way the process sees the row's value as it is. What the names
/// mean: names.h. Valid for every build of a successful Expand.
nlohmann::json RenderTemplate(const Batch& batch, const Expansion& expansion, const Build& build);

}  // namespace imagebatch::batch
