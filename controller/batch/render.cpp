#include "batch/expand.h"
#include "batch/names.h"
#include "batch/references.h"
#include "batch/template_strings.h"

namespace imagebatch::batch {
namespace {

std::string_view Lookup(const Batch& batch, const Expansion& expansion, const Build& build,
                        std::string_view written) {
  const Row& row = expansion.rows[build.row];
  const Name name = ClassifyName(written);
  switch (name.kind) {
    case Name::Kind::RowName:
      return row.name;
    case Name::Kind::Key:
      return build.key;
    case Name::Kind::Image:
      return build.image;
    case Name::Kind::NeedImage:
      // rows that share a build agree on the images they use, so the first of the stage is the one
      for (const size_t need : build.needs) {
        const Build& needed = expansion.builds[need];
        if (batch.stages[needed.stage].name == name.text) return needed.image;
      }
      return "";
    case Name::Kind::Column:
    case Name::Kind::ColumnOrVariable:
      break;
  }
  if (const auto column = row.columns.find(name.text); column != row.columns.end()) return column->second;
  const auto variable = batch.variables.find(name.text);
  return variable == batch.variables.end() ? std::string_view() : std::string_view(variable->second);
}

}  // namespace

nlohmann::json RenderTemplate(const Batch& batch, const Expansion& expansion, const Build& build) {
  nlohmann::json rendered = batch.stages[build.stage].pod_template;
  ForEachString(rendered, [&](const TemplatePath& path, std::string& text) {
    if (text.find('$') == std::string::npos) return;
    text = Substitute(text, DollarsAt(path),
                      [&](std::string_view name) { return Lookup(batch, expansion, build, name); });
  });
  return rendered;
}

}  // namespace imagebatch::batch
