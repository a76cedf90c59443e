#pragma once
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "batch/names.h"
#include "batch/types.h"

namespace imagebatch::batch {

/// One name that a stage uses.
struct Use {
  Name name;
  std::string written;  // as it stands between $( and )
  std::string where;    // the first field it stands in: "spec.stages[1].image"
};

/// A pattern taken apart once and filled in for every row.
class Pattern {
 public:
  struct Part {
    std::string literal;  // goes before the value
    size_t use = kNoUse;  // index into StageUses::uses
  };
  static constexpr size_t kNoUse = static_cast<size_t>(-1);

  explicit Pattern(std::vector<Part> parts) : parts_(std::move(parts)) {}
  /// `values` are those of the uses.
  std::string Fill(const std::vector<std::string_view>& values) const;
  /// How long that would be.
  size_t Size(const std::vector<std::string_view>& values) const;
  size_t parts() const { return parts_.size(); }

 private:
  std::vector<Part> parts_;
};

/// A string of the template that depends on the row, or is too long whatever the row is.
struct TemplateText {
  std::string where;       // "spec.stages[1].template.spec.containers[0].args[2]"
  size_t literal = 0;      // bytes that are the same for every row
  bool to_kernel = false;  // an argument or an environment variable: bounded by kMaxArgument
  std::vector<std::pair<size_t, size_t>> inserted;  // index into StageUses::uses, and how often

  /// Its bytes as the process gets it; `values` are those of the uses.
  size_t Size(const std::vector<std::string_view>& values) const;
};

/// Linux takes no longer argument or NAME=value of the environment (MAX_ARG_STRLEN, 32 pages with the NUL at
/// its end): the container would not start.
inline constexpr size_t kMaxArgument = 131071;
/// All strings of a template together. etcd takes no object beyond 1.5 MiB.
inline constexpr size_t kMaxTemplateText = size_t{1024} * 1024;

/// Which names a stage uses, each once, so that rows are checked and compared without rendering anything.
struct StageUses {
  size_t stage = 0;  // index
  std::vector<Use> uses;
  size_t shared = 0;  // the first so many stand in the image or the template; the others in the key only
  Pattern key{{}}, image{{}};
  std::vector<TemplateText> texts;
  size_t fixed = 0;  // bytes of all the strings of the template that are not among `texts`

  /// What one row costs: values looked up, and put in.
  size_t Work() const;
};

StageUses FindUses(const Stage& stage, size_t index);

/// The same of spec.images.nameFrom.
struct NameUses {
  std::vector<Use> uses;
  Pattern name{{}};
};

NameUses FindUses(const Images& images);

/// The columns whose values go into the names, keys, images or templates of builds.
std::set<std::string, std::less<>> UsedColumns(const Batch& batch);

}  // namespace imagebatch::batch
