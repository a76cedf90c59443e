#include "local/machine.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <random>
#include <system_error>

#include "base/descriptor.h"

namespace imagebatch::local {

std::string HostName() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "?";
}

std::string ErrorText(int error) { return std::generic_category().message(error); }

std::vector<std::string> OwnEnvironment() {
  std::vector<std::string> variables;
  for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable)
    variables.emplace_back(*variable);
  return variables;
}

std::string Secret() {
  std::random_device device;
  std::string secret;
  for (int i = 0; i < 8; ++i) secret += std::to_string(device());
  return secret;
}

std::string ReadEnd(const std::string& path, size_t most) {
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status {};
  if (!file.Open() || fstat(file.Get(), &status) != 0) return "";
  const auto size = static_cast<size_t>(std::max<off_t>(status.st_size, 0));
  std::string text(std::min(size, most), '\0');
  const ssize_t length = pread(file.Get(), text.data(), text.size(), static_cast<off_t>(size - text.size()));
  text.resize(static_cast<size_t>(std::max<ssize_t>(length, 0)));
  return text;
}

}  // namespace imagebatch::local
