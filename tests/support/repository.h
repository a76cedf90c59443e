#pragma once
#include <fstream>
#include <sstream>
#include <string>

namespace imagebatch {

/// A file of the repository.
inline std::string FileText(const std::string& path) {
  std::ifstream file(std::string(IMAGEBATCH_SOURCE_DIR) + "/" + path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

/// The CustomResourceDefinition of a kind, by its plural: one document of manifests/crd.yaml.
inline std::string CrdText(const std::string& plural) {
  std::string rest = FileText("manifests/crd.yaml");
  for (;;) {
    const size_t end = rest.find("\n---\n");
    std::string document = rest.substr(0, end);
    if (end == std::string::npos ||
        document.find("\n  name: " + plural + ".imagebatch.dev\n") != std::string::npos)
      return document;
    rest.erase(0, end + 5);
  }
}

}  // namespace imagebatch
