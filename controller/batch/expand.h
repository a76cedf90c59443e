#pragma once
#include <nlohmann/json.hpp>
#include <tl/expected.hpp>
#include <vector>

#include "base/lists.h"
#include "base/text_pool.h"
#include "batch/rows.h"
#include "batch/types.h"

namespace imagebatch::batch {

/// No batch costs more than this to find out what it is; docs/operations.md lists them.
inline constexpr size_t kMaxBuilds = 100000;     // rows or builds
inline constexpr size_t kMaxColumns = 1000;      // of all rows together
inline constexpr size_t kMaxValues = 2000000;    // of all rows together
inline constexpr size_t kMaxLookUps = 20000000;  // rows times the values that its stages put in for each

/// The whole work of a batch: a pure function of the spec and its rows.
struct Expansion {
  Rows rows{{}};              // the selected ones, in their order, named
  std::vector<Build> builds;  // stage by stage, each in the order of its first row
  Lists needs;                // of each build: the builds, each of an earlier stage; sorted, unique
  TextPool texts;             // of the builds
};

/// Names the rows, takes those that spec.images selects (by their names first, then a sample; the others need
/// only a name of their own), renders keys and images, merges builds with the same key, and checks: row names
/// unique, 1 to 253 printable bytes, every $(name) known in every row, no column that is a variable too,
/// image references valid (distribution/reference: at most 128 characters of tag), no two builds pushing the
/// same image, rows that share a key agreeing in every value that the stage's image and template use (else
/// the message names both rows and the value), every name that is selected one of a row, 1 to kMaxBuilds rows
/// and builds, and that the kernel and the API server will take what is rendered (kMaxArgument,
/// kMaxTemplateText, no NUL). What is wrong for every row is told once. Costs time and memory in proportion
/// to the rows and what they use; nothing is rendered for it. `batch` comes from ReadBatch, `rows` keep the
/// UsedColumns of it (stage_uses.h). `listed`: the names in spec.images.select.configMap (ReadNames).
tl::expected<Expansion, std::vector<Problem>> Expand(const Batch& batch, Rows rows,
                                                     const std::vector<std::string>& listed = {});

/// The Pod template of a build, given by its index: every string value of the stage's template with $(...)
/// replaced. Never through a shell. What the kubelet expands a second time (see DollarsAt in
/// template_strings.h: command, args, env[].value and a few more) keeps its $$, and values are inserted there
/// with every $ doubled; elsewhere $$ becomes $. Either way the process sees the row's value as it is. What
/// the names mean: names.h. Valid for every build of a successful Expand.
nlohmann::json RenderTemplate(const Batch& batch, const Expansion& expansion, size_t build);

}  // namespace imagebatch::batch
