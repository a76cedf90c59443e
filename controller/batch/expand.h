#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "batch/types.h"

namespace imagebatch::batch {

/// The whole work of a batch: a pure function of the spec and its rows.
struct Expansion {
  std::vector<Row> rows;      // in input order, named
  std::vector<Build> builds;  // stage by stage, each in the order of its first row
};

/// Names the rows, renders keys and images, merges builds with the same key, and checks: row names unique and
/// not empty, every $(name) known, image references valid (distribution/reference: at most 128 characters of
/// tag), no two builds of the batch pushing the same image reference, rows that share a key rendering to the
/// same image and Pod template (else the message names both rows and the column that differs), at least one
/// row, at most 100,000 builds.
tl::expected<Expansion, std::vector<Problem>> Expand(const Batch& batch, std::vector<Row> rows);

/// The Pod template of a build: every string value of the stage's template with $(...) replaced.
/// Never through a shell. In `command`, `args` and `env[].value` of containers the kubelet expands $(...) a
/// second time (kubernetes.io "Define Dependent Environment Variables"), so values are inserted there with
/// every $ doubled and $$ of the template is left as it is; elsewhere $$ becomes $.
/// Names: the row's columns, spec.variables, $(name), $(key), $(image), $(stages.<need>.image).
/// Valid for every build of a successful Expand.
nlohmann::json RenderTemplate(const Batch& batch, const Expansion& expansion, const Build& build);

}  // namespace imagebatch::batch
