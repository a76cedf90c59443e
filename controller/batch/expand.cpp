#include "batch/expand.h"

#include <algorithm>
#include <set>
#include <unordered_map>
#include <utility>

#include "base/text.h"
#include "batch/image_reference.h"
#include "batch/names.h"
#include "batch/problems.h"
#include "batch/stage_uses.h"

namespace imagebatch::batch {
namespace {

std::string Reference(std::string_view name) { return "$(" + Printable(name, 80) + ")"; }

/// Works stage by stage, since a build needs the builds of earlier stages; each row goes through its stages
/// once.
class Expander {
 public:
  Expander(const Batch& batch, std::vector<Row> rows) : batch_(batch) { out_.rows = std::move(rows); }

  tl::expected<Expansion, std::vector<Problem>> Run() {
    for (const auto step : {&Expander::CheckRows, &Expander::NameRows, &Expander::ExpandStages}) {
      (this->*step)();
      if (!problems_.Empty()) return tl::unexpected(problems_.Take());
    }
    return std::move(out_);
  }

 private:
  void CheckRows();
  void NameRows();
  void ExpandStages();
  void ExpandStage(size_t stage);
  void ExpandRow(size_t stage, size_t row, const StageUses& uses,
                 std::unordered_map<std::string, size_t>& by_key);
  bool CheckKnown(const std::vector<Use>& uses);
  const std::string* ColumnOrVariable(const Name& name, const Row& row) const;
  bool Resolve(const std::vector<Use>& uses, size_t row, std::vector<std::string_view>& values);
  std::string_view NeededImage(const Name& name, size_t row) const;
  void AddBuild(Build build, std::unordered_map<std::string, size_t>& by_key);
  void ShareBuild(Build& build, size_t row, const StageUses& uses,
                  const std::vector<std::string_view>& values);
  std::vector<size_t> NeedsOf(const Stage& stage, size_t row) const;
  size_t StageIndex(std::string_view name) const;

  const Batch& batch_;
  Expansion out_;
  Problems problems_{"the batch"};
  std::set<std::string_view> columns_;              // of any row
  std::vector<std::vector<size_t>> build_of_;       // [stage][row]: index into out_.builds
  std::unordered_map<std::string, size_t> images_;  // image to its build
};

void Expander::CheckRows() {
  if (out_.rows.empty()) problems_.Add("spec.images", "there are no rows");
  if (out_.rows.size() > kMaxBuilds) {
    problems_.Add("spec.images", "there are " + std::to_string(out_.rows.size()) + " rows, at most " +
                                     std::to_string(kMaxBuilds));
    return;
  }
  const std::map<std::string, std::string>* last = nullptr;
  const auto same_name = [](const auto& a, const auto& b) { return a.first == b.first; };
  for (const Row& row : out_.rows) {
    // rows mostly have the columns of the row before
    const bool as_before = last != nullptr && last->size() == row.columns.size() &&
                           std::equal(last->begin(), last->end(), row.columns.begin(), same_name);
    last = &row.columns;
    if (as_before) continue;
    for (const auto& [column, value] : row.columns) {
      const bool added = columns_.insert(column).second;
      if (added && batch_.variables.contains(column)) {
        problems_.Add("spec.variables." + column, "is also a column of " + row.origin +
                                                      "; rename the variable, $(" + column +
                                                      ") must mean one thing");
      }
    }
  }
}

void Expander::NameRows() {
  const NameUses uses = FindUses(batch_.images);
  if (!CheckKnown(uses.uses)) return;
  std::unordered_map<std::string_view, size_t> taken;
  taken.reserve(out_.rows.size());
  std::vector<std::string_view> values;
  for (size_t i = 0; i < out_.rows.size(); ++i) {
    Row& row = out_.rows[i];
    if (!Resolve(uses.uses, i, values)) continue;
    row.name = uses.name.Fill(values);
    if (const std::string problem = BuildNameProblem(row.name); !problem.empty()) {
      problems_.Add(row.origin, "the row's name " + Quote(row.name) + " " + problem);
    } else if (const auto [first, added] = taken.try_emplace(row.name, i); !added) {
      problems_.Add(row.origin, "the row's name " + Quote(row.name) + " is also that of " +
                                    out_.rows[first->second].origin + "; names must be unique");
    }
  }
}

void Expander::ExpandStages() {
  for (size_t stage = 0; stage < batch_.stages.size(); ++stage) {
    ExpandStage(stage);
    if (!problems_.Empty()) return;  // a later stage needs the builds of this one
  }
}

void Expander::ExpandStage(size_t stage) {
  const StageUses uses = FindUses(batch_.stages[stage], stage);
  build_of_.emplace_back(out_.rows.size());
  if (!CheckKnown(uses.uses)) return;
  std::unordered_map<std::string, size_t> by_key;
  for (size_t row = 0; row < out_.rows.size(); ++row) {
    ExpandRow(stage, row, uses, by_key);
    if (out_.builds.size() > kMaxBuilds) {
      return problems_.Add("spec.stages", "there are more than " + std::to_string(kMaxBuilds) + " builds");
    }
  }
  for (auto& [key, index] : by_key) {
    std::vector<size_t>& needs = out_.builds[index].needs;
    std::sort(needs.begin(), needs.end());
    needs.erase(std::unique(needs.begin(), needs.end()), needs.end());
  }
}

void Expander::ExpandRow(size_t stage, size_t row, const StageUses& uses,
                         std::unordered_map<std::string, size_t>& by_key) {
  const Stage& spec = batch_.stages[stage];
  std::vector<std::string_view> values;
  if (!Resolve(uses.uses, row, values)) return;
  const auto add = [&](const char* field, const std::string& value, const std::string& problem) {
    problems_.Add("spec.stages[" + std::to_string(stage) + "]." + field,
                  "row " + Quote(out_.rows[row].name) + ": " + Quote(value) + problem);
  };
  std::string key = uses.key.Fill(values);
  if (const std::string problem = BuildNameProblem(key); !problem.empty()) {
    return add("key", key, " " + problem);
  }
  if (const auto shared = by_key.find(key); shared != by_key.end()) {
    build_of_[stage][row] = shared->second;
    return ShareBuild(out_.builds[shared->second], row, uses, values);
  }
  for (size_t i = 0; i < values.size(); ++i) {
    if (uses.uses[i].name.kind == Name::Kind::Key) values[i] = key;
  }
  Build build{stage, key, uses.image.Fill(values), row, NeedsOf(spec, row)};
  if (const std::string problem = ImageReferenceProblem(build.image); !problem.empty()) {
    return add("image", build.image, ": " + problem);
  }
  if (const auto other = images_.find(build.image); other != images_.end()) {
    const Build& first = out_.builds[other->second];
    return add("image", build.image,
               " is also pushed by stage " + batch_.stages[first.stage].name + " for row " +
                   Quote(out_.rows[first.row].name) + "; each build needs an image of its own");
  }
  build_of_[stage][row] = out_.builds.size();
  AddBuild(std::move(build), by_key);
}

void Expander::AddBuild(Build build, std::unordered_map<std::string, size_t>& by_key) {
  const size_t index = out_.builds.size();
  by_key.emplace(build.key, index);
  out_.builds.push_back(std::move(build));
  images_.emplace(out_.builds.back().image, index);
}

/// A row whose key another row had first: all that goes into the build must have the same value in both.
void Expander::ShareBuild(Build& build, size_t row, const StageUses& uses,
                          const std::vector<std::string_view>& values) {
  std::vector<std::string_view> first;
  Resolve(uses.uses, build.row, first);
  for (size_t i = 0; i < uses.shared; ++i) {
    if (values[i] == first[i]) continue;
    const Use& use = uses.uses[i];
    return problems_.Add(use.where, "rows " + Quote(out_.rows[build.row].name) + " and " +
                                        Quote(out_.rows[row].name) + " share the key " + Quote(build.key) +
                                        " of stage " + batch_.stages[build.stage].name + " but differ in " +
                                        Reference(use.written) + " (" + Quote(first[i]) + " and " +
                                        Quote(values[i]) + "); put it into the key or leave it out here");
  }
  const std::vector<size_t> needs = NeedsOf(batch_.stages[build.stage], row);
  build.needs.insert(build.needs.end(), needs.begin(), needs.end());
}

/// Names that no row can know are told once, not once for every row. True where there is none.
bool Expander::CheckKnown(const std::vector<Use>& uses) {
  bool all = true;
  for (const Use& use : uses) {
    const bool variable = use.name.kind == Name::Kind::ColumnOrVariable;
    if (!variable && use.name.kind != Name::Kind::Column) continue;
    if (columns_.contains(use.name.text) || (variable && batch_.variables.contains(use.name.text))) continue;
    all = false;
    const std::vector<std::string_view> columns(columns_.begin(), columns_.end());
    std::vector<std::string_view> known = columns;
    for (const auto& [name, value] : batch_.variables) known.push_back(name);
    problems_.Add(use.where, Reference(use.written) + " is unknown: no row has a column of that name" +
                                 (variable ? " and there is no such variable" : "") +
                                 " (columns: " + Listed(columns) + ")" + DidYouMean(use.name.text, known));
  }
  return all;
}

const std::string* Expander::ColumnOrVariable(const Name& name, const Row& row) const {
  if (const auto column = row.columns.find(name.text); column != row.columns.end()) return &column->second;
  if (name.kind == Name::Kind::Column) return nullptr;
  const auto variable = batch_.variables.find(name.text);
  return variable == batch_.variables.end() ? nullptr : &variable->second;
}

/// The values of the uses for a row; the build's own key and image are left empty, they follow from these.
bool Expander::Resolve(const std::vector<Use>& uses, size_t row_index,
                       std::vector<std::string_view>& values) {
  const Row& row = out_.rows[row_index];
  values.assign(uses.size(), {});
  bool all = true;
  for (size_t i = 0; i < uses.size(); ++i) {
    const Name& name = uses[i].name;
    if (name.kind == Name::Kind::RowName) {
      values[i] = row.name;
    } else if (name.kind == Name::Kind::NeedImage) {
      values[i] = NeededImage(name, row_index);
    } else if (name.kind == Name::Kind::Column || name.kind == Name::Kind::ColumnOrVariable) {
      const std::string* value = ColumnOrVariable(name, row);
      if (value == nullptr) {
        problems_.Add(row.origin, "has no column " + Quote(name.text) + ", which " + uses[i].where + " uses");
        all = false;
      } else {
        values[i] = *value;
      }
    }
  }
  return all;
}

size_t Expander::StageIndex(std::string_view name) const {
  const auto named = [&](const Stage& stage) { return stage.name == name; };
  return static_cast<size_t>(std::find_if(batch_.stages.begin(), batch_.stages.end(), named) -
                             batch_.stages.begin());
}

std::string_view Expander::NeededImage(const Name& name, size_t row) const {
  return out_.builds[build_of_[StageIndex(name.text)][row]].image;
}

std::vector<size_t> Expander::NeedsOf(const Stage& stage, size_t row) const {
  std::vector<size_t> needs;
  for (const std::string& name : stage.needs) needs.push_back(build_of_[StageIndex(name)][row]);
  return needs;
}

}  // namespace

tl::expected<Expansion, std::vector<Problem>> Expand(const Batch& batch, std::vector<Row> rows) {
  return Expander(batch, std::move(rows)).Run();
}

}  // namespace imagebatch::batch
