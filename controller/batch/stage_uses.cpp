#include "batch/stage_uses.h"

#include <unordered_map>
#include <utility>

#include "batch/references.h"
#include "batch/template_strings.h"

namespace imagebatch::batch {
namespace {

class Finder {
 public:
  /// Index of the use, noted as standing at `where` if it is new.
  size_t Note(const std::string& written, const std::string& where) {
    const auto [entry, added] = index_.try_emplace(written, uses_.size());
    if (added) uses_.push_back({ClassifyName(written), written, where});
    return entry->second;
  }

  Pattern Compile(std::string_view text, const std::string& where) {
    std::vector<Pattern::Part> parts(1);
    for (Piece& piece : ParseReferences(text, Dollars::Single)) {
      if (piece.is_name) {
        parts.back().use = Note(piece.text, where);
        parts.emplace_back();
      } else {
        parts.back().literal = std::move(piece.text);
      }
    }
    return Pattern(std::move(parts));
  }

  const std::vector<Use>& uses() const { return uses_; }

 private:
  std::vector<Use> uses_;
  std::unordered_map<std::string, size_t> index_;
};

}  // namespace

std::string Pattern::Fill(const std::vector<std::string_view>& values) const {
  std::string out;
  for (const Part& part : parts_) {
    out += part.literal;
    if (part.use != kNoUse) out += values[part.use];
  }
  return out;
}

StageUses FindUses(const Stage& stage, size_t index) {
  const std::string path = "spec.stages[" + std::to_string(index) + "].";
  StageUses found;
  Finder finder;
  found.image = finder.Compile(stage.image, path + "image");
  nlohmann::json pod_template = stage.pod_template;
  ForEachString(pod_template, [&](const TemplatePath& at, std::string& text) {
    if (text.find('$') == std::string::npos) return;
    for (const Piece& piece : ParseReferences(text, Dollars::Single)) {
      if (piece.is_name) finder.Note(piece.text, path + "template." + ToString(at));
    }
  });
  found.shared = finder.uses().size();
  found.key = finder.Compile(stage.key, path + "key");
  found.uses = finder.uses();
  return found;
}

NameUses FindUses(const Images& images) {
  NameUses found;
  Finder finder;
  found.name = finder.Compile(images.name_from, "spec.images.nameFrom");
  found.uses = finder.uses();
  for (Use& use : found.uses) {
    // a row has no name, key or image yet: here these are columns
    if (use.name.kind != Name::Kind::Column) use.name = {Name::Kind::ColumnOrVariable, use.written};
  }
  return found;
}

}  // namespace imagebatch::batch
