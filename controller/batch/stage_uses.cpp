#include "batch/stage_uses.h"

#include <functional>
#include <optional>
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

  /// `left`: names that stay as they are written.
  TemplateText Measure(std::string_view text, std::string where,
                       const std::function<bool(const std::string& name)>& left) {
    TemplateText measured;
    measured.where = std::move(where);
    std::unordered_map<size_t, size_t> counts;
    CutReferences(
        text.begin(), text.end(), Dollars::Single,
        [&](auto from, auto to) { measured.literal += static_cast<size_t>(to - from); },
        [&](auto from, auto to) {
          const std::string name(from, to);
          if (left(name)) {
            measured.literal += name.size() + 3;  // $( and )
          } else {
            ++counts[Note(name, measured.where)];
          }
        });
    measured.inserted.assign(counts.begin(), counts.end());
    return measured;
  }

  const std::vector<Use>& uses() const { return uses_; }

 private:
  std::vector<Use> uses_;
  std::unordered_map<std::string, size_t> index_;
};

/// The bytes that go before a string in an argument or an environment variable; nothing for other strings.
std::optional<size_t> BeforeArgument(const nlohmann::json& pod_template, const TemplatePath& at) {
  if (DollarsAt(at) != Dollars::Kept) return std::nullopt;
  if (at[3].field == "command" || at[3].field == "args") return 0;
  if (at[3].field != "env") return std::nullopt;
  const nlohmann::json& variable =
      pod_template["spec"][std::string(at[1].field)][at[2].index]["env"][at[4].index];
  const auto name = variable.find("name");
  const bool named = name != variable.end() && name->is_string();
  return (named ? name->get_ref<const std::string&>().size() : 0) + 1;  // NAME=
}

}  // namespace

size_t TemplateText::Size(const std::vector<std::string_view>& values) const {
  size_t size = literal;
  for (const auto& [use, times] : inserted) size += times * values[use].size();
  return size;
}

size_t StageUses::Work() const {
  size_t work = uses.size() + key.parts() + image.parts();
  for (const TemplateText& text : texts) work += text.inserted.size() + 1;
  return work;
}

size_t Pattern::Size(const std::vector<std::string_view>& values) const {
  size_t size = 0;
  for (const Part& part : parts_)
    size += part.literal.size() + (part.use == kNoUse ? 0 : values[part.use].size());
  return size;
}

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
  found.stage = index;
  Finder finder;
  found.image = finder.Compile(stage.image, path + "image");
  nlohmann::json pod_template = stage.pod_template;
  const KubeletVariables kubelets(pod_template);
  ForEachString(pod_template, [&](const TemplatePath& at, std::string& text) {
    if (text.find('$') == std::string::npos && text.size() <= kMaxArgument) {
      found.fixed += text.size();
      return;
    }
    TemplateText measured = finder.Measure(text, path + "template." + ToString(at),
                                           [&](const std::string& name) { return kubelets.Has(at, name); });
    const auto before = BeforeArgument(stage.pod_template, at);
    measured.to_kernel = before.has_value();
    measured.literal += before.value_or(0);
    if (measured.inserted.empty() && measured.literal <= kMaxArgument) {
      found.fixed += measured.literal;
    } else {
      found.texts.push_back(std::move(measured));
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

std::set<std::string, std::less<>> UsedColumns(const Batch& batch) {
  std::set<std::string, std::less<>> columns;
  const auto note = [&](const std::vector<Use>& uses) {
    for (const Use& use : uses) {
      if (use.name.kind == Name::Kind::Column || use.name.kind == Name::Kind::ColumnOrVariable) {
        columns.insert(use.name.text);
      }
    }
  };
  note(FindUses(batch.images).uses);
  for (size_t i = 0; i < batch.stages.size(); ++i) note(FindUses(batch.stages[i], i).uses);
  return columns;
}

}  // namespace imagebatch::batch
