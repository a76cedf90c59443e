#include "batch/expand.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "base/text.h"
#include "batch/image_reference.h"
#include "batch/names.h"
#include "batch/problems.h"
#include "batch/selection.h"
#include "batch/stage_uses.h"

namespace imagebatch::batch {
namespace {

// No name, key or image is nearly as long; one that would be is not put together
constexpr size_t kLongestFilled = 4096;

std::string TooLong(size_t size) {
  return "would have " + std::to_string(size) + " bytes; a name or key has at most 253, an image 384";
}

std::string Reference(std::string_view name) { return "$(" + Printable(name, 80) + ")"; }

/// Why a row has no value in a column that is used at `where`.
std::string Lacking(std::optional<Held> held, std::string_view column, const std::string& where) {
  if (!held) return "has no column " + Quote(column) + ", which " + where + " uses";
  const char* is = "null, and must be a string, a number or a boolean";
  switch (*held) {
    case Held::Null:
      break;
    case Held::List:
      is = "a list, and must be a string, a number or a boolean";
      break;
    case Held::Object:
      is = "an object, and must be a string, a number or a boolean";
      break;
    case Held::Fraction:
      is = "a number with a fraction; put it in quotes to keep it as written";
      break;
    case Held::Boolean:
      is = "a boolean; put it in quotes to keep it as written";
      break;
  }
  return "column " + Quote(column) + ", which " + where + " uses, is " + is;
}

/// Works stage by stage, since a build needs the builds of earlier stages; each row goes through its stages
/// once.
class Expander {
 public:
  Expander(const Batch& batch, Rows rows, const std::vector<std::string>& listed)
      : batch_(batch), listed_(listed) {
    out_.rows = std::move(rows);
  }

  tl::expected<Expansion, std::vector<Problem>> Run() {
    for (const auto step :
         {&Expander::CheckRows, &Expander::NameRows, &Expander::SelectRows, &Expander::ExpandStages}) {
      (this->*step)();
      if (!problems_.Empty()) return tl::unexpected(problems_.Take());
    }
    return std::move(out_);
  }

 private:
  void CheckRows();
  bool Affordable(size_t work_per_row, const std::string& where);
  void NameRows();
  void SelectRows();
  void ExpandStages();
  void ExpandStage(size_t stage);
  void ExpandRow(size_t stage, uint32_t row, const StageUses& uses, TextIndex& by_key);
  bool CheckKnown(const std::vector<Use>& uses);
  std::optional<std::string_view> Variable(const Name& name) const;
  bool Resolve(const std::vector<Use>& uses, size_t row, std::vector<std::string_view>& values);
  bool CheckTexts(const StageUses& uses, size_t row, const std::vector<std::string_view>& values);
  std::string_view NeededImage(const Name& name, size_t row) const;
  void AddBuild(size_t stage, uint32_t row, std::string_view key, std::string_view image, TextIndex& by_key);
  auto KeyOf() const {
    return [this](uint32_t build) { return out_.builds[build].key; };
  }
  auto ImageOf() const {
    return [this](uint32_t build) { return out_.builds[build].image; };
  }
  void CheckShared(const Build& build, size_t row, const StageUses& uses,
                   const std::vector<std::string_view>& values);
  void AddNeeds(size_t stage);
  size_t StageIndex(std::string_view name) const;

  const Batch& batch_;
  const std::vector<std::string>& listed_;
  Expansion out_;
  Problems problems_{"the batch"};
  std::set<std::string, std::less<>> columns_;   // of any row, selected or not
  std::vector<std::vector<uint32_t>> build_of_;  // [stage][row]: index into out_.builds
  TextIndex by_image_;                           // of builds
  size_t look_ups_ = 0;
};

void Expander::CheckRows() {
  if (out_.rows.empty()) problems_.Add("spec.images", "there are no rows");
  if (out_.rows.size() > kMaxBuilds) {
    return problems_.Add("spec.images", "there are more than " + std::to_string(kMaxBuilds) + " rows");
  }
  for (const auto& [row, column] : out_.rows.Columns()) {
    const std::string name(column);
    columns_.insert(name);
    if (columns_.size() > kMaxColumns) {
      return problems_.Add("spec.images",
                           "the rows have more than " + std::to_string(kMaxColumns) + " different columns");
    }
    if (batch_.variables.contains(name)) {
      problems_.Add("spec.variables." + name, "is also a column of " + out_.rows.Origin(row) +
                                                  "; rename the variable, $(" + name +
                                                  ") must have one meaning");
    }
  }
}

void Expander::NameRows() {
  const NameUses uses = FindUses(batch_.images);
  if (!CheckKnown(uses.uses) || !Affordable(uses.uses.size() + uses.name.parts(), "spec.images.nameFrom"))
    return;
  TextIndex taken;
  const auto name_of = [&](uint32_t row) { return out_.rows.name(row); };
  std::vector<std::string_view> values;
  for (uint32_t row = 0; row < out_.rows.size(); ++row) {
    if (!Resolve(uses.uses, row, values)) continue;
    const auto add = [&](const auto& say) {
      problems_.Add([&] { return Problem{out_.rows.Origin(row), "the row's name " + say()}; });
    };
    if (const size_t size = uses.name.Size(values); size > kLongestFilled) {
      add([&] { return TooLong(size); });
      continue;
    }
    const std::string name = uses.name.Fill(values);
    if (const std::string problem = BuildNameProblem(name); !problem.empty()) {
      add([&] { return Quote(name) + " " + problem; });
    } else if (const auto same = taken.Find(name, name_of)) {
      add([&] {
        return Quote(name) + " is also that of " + out_.rows.Origin(*same) + "; names must be unique";
      });
    } else {
      out_.rows.SetName(row, name);
      taken.Add(row, name_of);
    }
  }
}

void Expander::SelectRows() {
  const Images& images = batch_.images;
  if (images.select) {
    const bool inlined = !images.select->config_map;
    const auto found = FindNamed(out_.rows, inlined ? images.select->names : listed_);
    if (!found) {
      const std::vector<std::string_view>& unknown = found.error();
      return problems_.Add(
          inlined ? "spec.images.select.names" : "spec.images.select.configMap",
          (unknown.size() == 1 ? "no row has this name: " : "no rows have these names: ") + Listed(unknown));
    }
    out_.rows = out_.rows.Pick(*found);
  }
  if (images.limit > 0) {
    out_.rows = out_.rows.Pick(Sample(static_cast<uint32_t>(out_.rows.size()), images.limit, images.seed));
  }
}

void Expander::ExpandStages() {
  for (size_t stage = 0; stage < batch_.stages.size(); ++stage) {
    ExpandStage(stage);
    if (!problems_.Empty()) return;  // a later stage needs the builds of this one
    AddNeeds(stage);
  }
}

void Expander::ExpandStage(size_t stage) {
  const StageUses uses = FindUses(batch_.stages[stage], stage);
  build_of_.emplace_back(out_.rows.size());
  if (!CheckKnown(uses.uses) || !Affordable(uses.Work(), "spec.stages[" + std::to_string(stage) + "]"))
    return;
  TextIndex by_key;
  for (uint32_t row = 0; row < out_.rows.size(); ++row) {
    ExpandRow(stage, row, uses, by_key);
    if (out_.builds.size() > kMaxBuilds) {
      return problems_.Add("spec.stages", "there are more than " + std::to_string(kMaxBuilds) + " builds");
    }
  }
}

void Expander::ExpandRow(size_t stage, uint32_t row, const StageUses& uses, TextIndex& by_key) {
  std::vector<std::string_view> values;
  if (!Resolve(uses.uses, row, values)) return;
  const auto add = [&](const char* field, const auto& say) {
    problems_.Add([&] {
      return Problem{"spec.stages[" + std::to_string(stage) + "]." + field,
                     "row " + Quote(out_.rows.name(row)) + ": " + say()};
    });
  };
  for (const auto& [field, size] :
       {std::pair("key", uses.key.Size(values)), std::pair("image", uses.image.Size(values))}) {
    if (size > kLongestFilled) return add(field, [&, longest = size] { return TooLong(longest); });
  }
  std::string key = uses.key.Fill(values);
  if (const std::string problem = BuildNameProblem(key); !problem.empty()) {
    return add("key", [&] { return Quote(key) + " " + problem; });
  }
  if (const auto shared = by_key.Find(key, KeyOf())) {
    build_of_[stage][row] = *shared;
    return CheckShared(out_.builds[*shared], row, uses, values);
  }
  for (size_t i = 0; i < values.size(); ++i) {
    if (uses.uses[i].name.kind == Name::Kind::Key) values[i] = key;
  }
  const std::string image = uses.image.Fill(values);
  if (const std::string problem = ImageReferenceProblem(image); !problem.empty()) {
    return add("image", [&] { return Quote(image) + ": " + problem; });
  }
  if (const auto other = by_image_.Find(image, ImageOf())) {
    const Build& first = out_.builds[*other];
    return add("image", [&] {
      return Quote(image) + " is also pushed by stage " + batch_.stages[first.stage].name + " for row " +
             Quote(out_.rows.name(first.row)) + "; each build needs an image of its own";
    });
  }
  for (size_t i = 0; i < values.size(); ++i) {
    if (uses.uses[i].name.kind == Name::Kind::Image) values[i] = image;
  }
  if (!CheckTexts(uses, row, values)) return;
  AddBuild(stage, row, key, image, by_key);
}

void Expander::AddBuild(size_t stage, uint32_t row, std::string_view key, std::string_view image,
                        TextIndex& by_key) {
  const auto build = static_cast<uint32_t>(out_.builds.size());
  const std::string_view name = out_.rows.name(row);  // mostly the key
  out_.builds.push_back({static_cast<uint32_t>(stage), row, key == name ? name : out_.texts.Store(key),
                         out_.texts.Store(image)});
  build_of_[stage][row] = build;
  by_key.Add(build, KeyOf());
  by_image_.Add(build, ImageOf());
}

/// A row whose key another row had first: all that goes into the build must have the same value in both.
void Expander::CheckShared(const Build& build, size_t row, const StageUses& uses,
                           const std::vector<std::string_view>& values) {
  std::vector<std::string_view> first;
  Resolve(uses.uses, build.row, first);
  for (size_t i = 0; i < uses.shared; ++i) {
    if (values[i] == first[i]) continue;
    return problems_.Add([&, &use = uses.uses[i]] {
      return Problem{use.where, "rows " + Quote(out_.rows.name(build.row)) + " and " +
                                    Quote(out_.rows.name(row)) + " share the key " + Quote(build.key) +
                                    " of stage " + batch_.stages[build.stage].name + " but differ in " +
                                    Reference(use.written) + " (" + Quote(first[i]) + " and " +
                                    Quote(values[i]) + "); include it in the key, or leave it out here"};
    });
  }
}

/// A build needs what any of its rows needs.
void Expander::AddNeeds(size_t stage) {
  std::vector<std::pair<uint32_t, uint32_t>> pairs;  // a build and one that it needs
  for (const std::string& need : batch_.stages[stage].needs) {
    const std::vector<uint32_t>& needed = build_of_[StageIndex(need)];
    for (size_t row = 0; row < needed.size(); ++row) pairs.emplace_back(build_of_[stage][row], needed[row]);
  }
  std::sort(pairs.begin(), pairs.end());
  pairs.erase(std::unique(pairs.begin(), pairs.end()), pairs.end());
  std::vector<uint32_t> needs;
  auto pair = pairs.begin();
  for (size_t build = out_.needs.size(); build < out_.builds.size(); ++build) {
    needs.clear();
    for (; pair != pairs.end() && pair->first == build; ++pair) needs.push_back(pair->second);
    out_.needs.Add(needs);
  }
}

/// Names that no row can know are told once, not once for every row. True where there is none.
bool Expander::CheckKnown(const std::vector<Use>& uses) {
  bool all = true;
  for (const Use& use : uses) {
    const bool variable = use.name.kind == Name::Kind::ColumnOrVariable;
    if (!variable && use.name.kind != Name::Kind::Column) continue;
    if (columns_.contains(use.name.text) || (variable && batch_.variables.contains(use.name.text))) continue;
    all = false;
    problems_.Add([&] {
      const std::vector<std::string_view> columns(columns_.begin(), columns_.end());
      std::vector<std::string_view> known = columns;
      for (const auto& [name, value] : batch_.variables) known.push_back(name);
      return Problem{use.where, Reference(use.written) + " is unknown: no row has a column of that name" +
                                    (variable ? " and there is no such variable" : "") +
                                    " (columns: " + Listed(columns) + ")" + DidYouMean(use.name.text, known)};
    });
  }
  return all;
}

/// The variable of that name, where the name may mean one.
std::optional<std::string_view> Expander::Variable(const Name& name) const {
  if (name.kind == Name::Kind::Column) return std::nullopt;
  const auto variable = batch_.variables.find(name.text);
  return variable == batch_.variables.end() ? std::nullopt
                                            : std::optional<std::string_view>(variable->second);
}

/// The values of the uses for a row; the build's own key and image are left empty, they follow from these.
bool Expander::Resolve(const std::vector<Use>& uses, size_t row, std::vector<std::string_view>& values) {
  values.assign(uses.size(), {});
  bool all = true;
  for (size_t i = 0; i < uses.size(); ++i) {
    const Name& name = uses[i].name;
    if (name.kind == Name::Kind::RowName) {
      values[i] = out_.rows.name(row);
    } else if (name.kind == Name::Kind::NeedImage) {
      values[i] = NeededImage(name, row);
    } else if (name.kind == Name::Kind::Column || name.kind == Name::Kind::ColumnOrVariable) {
      const auto own = out_.rows.Value(row, name.text);
      const auto value = own ? own : Variable(name);
      if (!value) {
        problems_.Add([&] {
          return Problem{out_.rows.Origin(row),
                         Lacking(out_.rows.OtherValue(row, name.text), name.text, uses[i].where)};
        });
        all = false;
      } else if (own && own->find('\0') != std::string_view::npos) {
        problems_.Add([&] {
          return Problem{out_.rows.Origin(row),
                         "column " + Quote(name.text) + " holds a NUL byte, which no argument or " +
                             "environment variable can have; " + uses[i].where + " uses it"};
        });
        all = false;
      } else {
        values[i] = *value;
      }
    }
  }
  return all;
}

/// What the kernel and the API server will take of a row's template. False where they will not.
bool Expander::CheckTexts(const StageUses& uses, size_t row, const std::vector<std::string_view>& values) {
  const auto refuse = [&](const std::string& where, size_t size, const char* what, size_t most) {
    problems_.Add([&] {
      return Problem{where, "row " + Quote(out_.rows.name(row)) + " (" + out_.rows.Origin(row) +
                                "): " + what + " would have " + std::to_string(size) + " bytes, at most " +
                                std::to_string(most)};
    });
    return false;
  };
  size_t all = uses.fixed;
  for (const TemplateText& text : uses.texts) {
    const size_t size = text.Size(values);
    if (text.to_kernel && size > kMaxArgument) {
      return refuse(text.where, size, "this argument or environment variable", kMaxArgument);
    }
    all += size;
  }
  if (all <= kMaxTemplateText) return true;
  return refuse("spec.stages[" + std::to_string(uses.stage) + "].template", all, "the text of its Pod",
                kMaxTemplateText);
}

/// False where so much for each row would keep the controller from its other batches.
bool Expander::Affordable(size_t work_per_row, const std::string& where) {
  look_ups_ += work_per_row * out_.rows.size();
  if (look_ups_ <= kMaxLookUps) return true;
  problems_.Add(where, "uses too many values of the rows: " + std::to_string(work_per_row) +
                           " values for each of " + std::to_string(out_.rows.size()) +
                           "; all stages together may use " + std::to_string(kMaxLookUps));
  return false;
}

size_t Expander::StageIndex(std::string_view name) const {
  const auto named = [&](const Stage& stage) { return stage.name == name; };
  return static_cast<size_t>(std::find_if(batch_.stages.begin(), batch_.stages.end(), named) -
                             batch_.stages.begin());
}

std::string_view Expander::NeededImage(const Name& name, size_t row) const {
  return out_.builds[build_of_[StageIndex(name.text)][row]].image;
}

}  // namespace

tl::expected<Expansion, std::vector<Problem>> Expand(const Batch& batch, Rows rows,
                                                     const std::vector<std::string>& listed) {
  return Expander(batch, std::move(rows), listed).Run();
}

}  // namespace imagebatch::batch
