#include "batch/expand.h"
#include "batch/names.h"
#include "batch/references.h"
#include "batch/template_strings.h"

namespace imagebatch::batch {
namespace {

std::string_view Lookup(const Batch& batch, const Expansion& expansion, size_t index,
                        std::string_view written) {
  const Build& build = expansion.builds[index];
  const Name name = ClassifyName(written);
  switch (name.kind) {
    case Name::Kind::RowName:
      return expansion.rows.name(build.row);
    case Name::Kind::Key:
      return build.key;
    case Name::Kind::Image:
      return build.image;
    case Name::Kind::NeedImage:
      // rows that share a build agree on the images they use, so the first of the stage is the one
      for (const uint32_t need : expansion.needs[index]) {
        const Build& needed = expansion.builds[need];
        if (batch.stages[needed.stage].name == name.text) return needed.image;
      }
      return "";
    case Name::Kind::Column:
    case Name::Kind::ColumnOrVariable:
      break;
  }
  if (const auto value = expansion.rows.Value(build.row, name.text)) return *value;
  const auto variable = batch.variables.find(name.text);
  return variable == batch.variables.end() ? std::string_view() : std::string_view(variable->second);
}

}  // namespace

nlohmann::json RenderTemplate(const Batch& batch, const Expansion& expansion, size_t build) {
  nlohmann::json rendered = batch.stages[expansion.builds[build].stage].pod_template;
  const KubeletVariables kubelets(rendered);
  ForEachString(rendered, [&](const TemplatePath& path, std::string& text) {
    if (text.find('$') == std::string::npos) return;
    text = Substitute(text, DollarsAt(path), [&](std::string_view name) -> std::optional<std::string_view> {
      if (kubelets.Has(path, name)) return std::nullopt;
      return Lookup(batch, expansion, build, name);
    });
  });
  return rendered;
}

}  // namespace imagebatch::batch
