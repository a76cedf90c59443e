#pragma once
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

 private:
  std::vector<Part> parts_;
};

/// Which names a stage uses, each once, so that rows are checked and compared without rendering anything.
struct StageUses {
  std::vector<Use> uses;
  size_t shared = 0;  // the first so many stand in the image or the template; the others in the key only
  Pattern key{{}}, image{{}};
};

StageUses FindUses(const Stage& stage, size_t index);

/// The same of spec.images.nameFrom.
struct NameUses {
  std::vector<Use> uses;
  Pattern name{{}};
};

NameUses FindUses(const Images& images);

}  // namespace imagebatch::batch
