#include "kube/config/file.h"

#include <cerrno>
#include <fstream>
#include <system_error>

namespace imagebatch::kube {

Result<std::string> ReadFile(const std::filesystem::path& path, size_t max_bytes) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::string text(max_bytes + 1, '\0');
  // A directory opens but does not read
  if (!file || (!file.read(text.data(), static_cast<std::streamsize>(text.size())) && !file.eof()))
    return Fail("cannot read " + path.string() + ": " + std::generic_category().message(errno));
  text.resize(static_cast<size_t>(file.gcount()));
  if (text.size() > max_bytes)
    return Fail(path.string() + " is larger than " + std::to_string(max_bytes) + " bytes");
  text.shrink_to_fit();
  return text;
}

}  // namespace imagebatch::kube
