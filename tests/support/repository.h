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

}  // namespace imagebatch
