#include "batch/names.h"

#include <algorithm>

#include "base/text.h"
#include "batch/problems.h"

namespace imagebatch::batch {
namespace {

constexpr size_t kMaxName = 253;
constexpr size_t kMaxLabel = 63;
constexpr std::string_view kStages = "stages.";
constexpr std::string_view kImage = ".image";
constexpr std::string_view kRow = "row.";

bool IsLowerOrDigit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

}  // namespace

Name ClassifyName(std::string_view name) {
  if (name == "name") return {Name::Kind::RowName, ""};
  if (name == "key") return {Name::Kind::Key, ""};
  if (name == "image") return {Name::Kind::Image, ""};
  if (name.starts_with(kRow)) return {Name::Kind::Column, std::string(name.substr(kRow.size()))};
  if (name.starts_with(kStages) && name.ends_with(kImage) && name.size() > kStages.size() + kImage.size()) {
    name.remove_prefix(kStages.size());
    name.remove_suffix(kImage.size());
    return {Name::Kind::NeedImage, std::string(name)};
  }
  return {Name::Kind::ColumnOrVariable, std::string(name)};
}

std::string BuildNameProblem(std::string_view text) {
  if (text.empty()) return "is empty";
  if (text.size() > kMaxName) {
    return "is " + std::to_string(text.size()) + " bytes, at most " + std::to_string(kMaxName);
  }
  // all of them are ASCII in the common case, which must cost nothing with 100,000 rows
  const auto plain = [](char c) { return c >= 0x20 && c < 0x7F; };
  if (!std::all_of(text.begin(), text.end(), plain) && Printable(text, text.size()) != text) {
    return "holds characters that cannot be printed";
  }
  return "";
}

std::string ToString(const BuildName& build) { return build.stage + "/" + build.name; }

std::optional<BuildName> ParseBuildName(std::string_view text) {
  const size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  BuildName build{std::string(text.substr(0, slash)), std::string(text.substr(slash + 1))};
  if (!IsDnsLabel(build.stage, kMaxLabel) || !BuildNameProblem(build.name).empty()) return std::nullopt;
  return build;
}

bool IsColumnName(std::string_view name) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  return !name.empty() && name.size() <= kMaxName && letter(name.front()) &&
         std::all_of(name.begin(), name.end(),
                     [&](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '.' || c == '-'; });
}

bool IsReservedName(std::string_view name) {
  return name == "name" || name == "key" || name == "image" || name.starts_with(kRow) ||
         name.starts_with(kStages);
}

bool IsDnsLabel(std::string_view text, size_t max) {
  return !text.empty() && text.size() <= max && IsLowerOrDigit(text.front()) && IsLowerOrDigit(text.back()) &&
         std::all_of(text.begin(), text.end(), [](char c) { return IsLowerOrDigit(c) || c == '-'; });
}

bool IsDnsSubdomain(std::string_view text) {
  if (text.size() > kMaxName) return false;
  while (true) {
    const size_t dot = text.find('.');
    if (!IsDnsLabel(text.substr(0, dot), kMaxName)) return false;
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
}

std::string ReferenceProblem(const Stage* stage, Field field, std::string_view name) {
  const std::string reference = "$(" + Printable(name, 80) + ")";
  if (!IsColumnName(name)) {
    return reference + " is not a valid name; write $" + reference + " to keep the text as it is";
  }
  if (field == Field::NameFrom) return "";
  if (name.starts_with(kStages)) {
    const Name parsed = ClassifyName(name);
    if (parsed.kind != Name::Kind::NeedImage) {
      return reference +
             " is unknown; the only thing known of another stage is its image: $(stages.<name>.image)";
    }
    if (field != Field::Template) return reference + " can be used only in the template";
    if (std::find(stage->needs.begin(), stage->needs.end(), parsed.text) == stage->needs.end()) {
      return reference + ": this stage does not need " + Quote(parsed.text) + "; add it to needs";
    }
    return "";
  }
  const bool too_early = (name == "key" && field == Field::Key) ||
                         (name == "image" && (field == Field::Key || field == Field::Image));
  if (too_early) {
    return reference +
           " belongs to this build and is not known here yet; for a column of that name write $(row." +
           std::string(name) + ")";
  }
  return "";
}

}  // namespace imagebatch::batch
