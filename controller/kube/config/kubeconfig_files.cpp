#include "kube/config/kubeconfig_files.h"

#include "base/text.h"
#include "document/read.h"
#include "kube/config/file.h"

namespace imagebatch::kube {
namespace {

using nlohmann::json;

constexpr size_t kMaxKubeconfigBytes = 4 << 20;
constexpr size_t kMostListed = 400;  // bytes of names in a message

/// The entries of a list that are objects with a name.
template <class F>
void ForEach(const json& file, const char* list, F call) {
  const auto entries = file.find(list);
  if (entries == file.end() || !entries->is_array()) return;
  for (const json& entry : *entries) {
    if (!entry.is_object()) continue;
    const auto name = entry.find("name");
    if (name != entry.end() && name->is_string()) call(name->get_ref<const std::string&>(), entry);
  }
}

}  // namespace

Result<std::string> Section::Text(const char* key) const {
  const auto found = value.find(key);
  if (found == value.end() || found->is_null()) return "";
  if (!found->is_string()) return Wrong(std::string(key) + " must be a string (put it in quotes)");
  return found->get<std::string>();
}

Result<bool> Section::Flag(const char* key) const {
  const auto found = value.find(key);
  if (found == value.end() || found->is_null()) return false;
  if (!found->is_boolean()) return Wrong(std::string(key) + " must be true or false");
  return found->get<bool>();
}

Result<KubeconfigFiles> KubeconfigFiles::Read(const std::vector<std::filesystem::path>& paths,
                                              bool skip_missing) {
  KubeconfigFiles all;
  for (const std::filesystem::path& path : paths) {
    std::error_code error;
    if (skip_missing && !std::filesystem::exists(path, error)) continue;
    const auto text = ReadFile(path, kMaxKubeconfigBytes);
    if (!text) return tl::unexpected(text.error());
    auto file = document::ReadYaml(*text, kMaxKubeconfigBytes);
    if (!file) return Fail(path.string() + ": " + file.error().message);
    if (file->is_null() && skip_missing) continue;  // an empty file, as kubectl takes it
    if (!file->is_object()) return Fail(path.string() + ": not a kubeconfig: the top is not a mapping");
    all.files_.emplace_back(path, std::move(*file));
  }
  return all;
}

Result<std::string> KubeconfigFiles::CurrentContext() const {
  for (const auto& [path, file] : files_) {
    auto current = Section{file, path.string(), {}}.Text("current-context");
    if (!current || !current->empty()) return current;
  }
  return Fail(Places() + ": no current-context; name a context" + Known("contexts"));
}

Result<Section> KubeconfigFiles::Find(const char* list, const char* kind, const std::string& name) const {
  for (const auto& [path, file] : files_) {
    const json* found = nullptr;
    ForEach(file, list, [&](const std::string& other, const json& entry) {
      if (found == nullptr && other == name) found = &entry;
    });
    if (found == nullptr) continue;
    std::error_code error;
    Section section{{}, path.string() + ": " + kind + " " + Quote(name), {}};
    section.folder = std::filesystem::absolute(path, error).parent_path();
    const auto part = found->find(kind);
    if (part == found->end() || !part->is_object())
      return section.Wrong("has no " + std::string(kind) + ": {...}");
    section.value = *part;
    return section;
  }
  return Fail(Places() + ": no " + kind + " " + Quote(name) + " in " + list + Known(list));
}

std::string KubeconfigFiles::Places() const {
  std::string places;
  for (const auto& [path, file] : files_) places += (places.empty() ? "" : ":") + path.string();
  return places;
}

std::string KubeconfigFiles::Known(const char* list) const {
  std::string names;
  for (const auto& [path, file] : files_) {
    ForEach(file, list, [&](const std::string& name, const json&) {
      names += (names.empty() ? " (there are: " : ", ") + name;
    });
  }
  return names.empty() ? names : Printable(names, kMostListed) + ")";
}

}  // namespace imagebatch::kube
