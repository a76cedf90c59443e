#include "runner/stacks/source_line.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <iterator>

#include "base/mask.h"
#include "base/text.h"
#include "runner/proc/files.h"

namespace imagebatch::runner {
namespace {

constexpr size_t kMostBytes = size_t{4} << 20;  // of a file, up to the line
constexpr size_t kLineBytes = 240;              // that are looked at; of what is shown, masked, less
constexpr size_t kShownBytes = 60;

bool MentionsSecret(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  constexpr std::string_view kWords[] = {"pass", "pwd",  "secret", "token", "key",
                                         "auth", "cred", "bearer", "login"};
  return std::any_of(std::begin(kWords), std::end(kWords),
                     [&lower](std::string_view word) { return lower.find(word) != std::string::npos; });
}

/// The code with "***" for what stands between quotes, up to the end where a quote is not closed.
std::string WithoutLiterals(std::string_view text) {
  std::string code;
  char open = 0;
  for (size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (open == 0) {
      code += c;
      if (c == '"' || c == '\'') {
        open = c;
        code += "***";
      }
    } else if (c == '\\') {
      ++at;
    } else if (c == open) {
      open = 0;
      code += c;
    }
  }
  return code;
}

/// Opens `path` below the root of the process, so that no link leads out of it. Kernels before 5.6, and
/// sandboxes that do not know the call, refuse; then there is no line.
Descriptor OpenBelowRoot(const std::string& process, const std::string& path) {
  const Descriptor root(open((process + "/root").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root.Open()) return Descriptor();
  open_how how{};
  how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  return Descriptor(static_cast<int>(syscall(SYS_openat2, root.Get(), path.c_str(), &how, sizeof how)));
}

std::string DirectoryOf(const std::string& process) {
  std::array<char, 4096> path{};
  const ssize_t length = readlink((process + "/cwd").c_str(), path.data(), path.size());
  return length > 0 ? std::string(path.data(), static_cast<size_t>(length)) : std::string();
}

bool MayRead(const Descriptor& file, uid_t user) {
  struct stat status {};
  if (fstat(file.Get(), &status) != 0 || !S_ISREG(status.st_mode)) return false;
  return (status.st_mode & S_IROTH) != 0 || status.st_uid == user;
}

/// Up to kLineBytes of the line; empty where the file ends before it.
std::string ReadLine(const Descriptor& file, int line) {
  std::string found;
  int current = 1;
  std::array<char, 16384> part{};
  for (size_t bytes = 0; bytes < kMostBytes;) {
    const ssize_t length = read(file.Get(), part.data(), part.size());
    if (length <= 0) return found;
    bytes += static_cast<size_t>(length);
    std::string_view rest(part.data(), static_cast<size_t>(length));
    while (!rest.empty()) {
      const size_t end = rest.find('\n');
      if (current == line) found += rest.substr(0, std::min(end, kLineBytes - found.size()));
      if (end == std::string_view::npos) break;
      if (current++ == line) return found;
      rest.remove_prefix(end + 1);
    }
  }
  return {};
}

}  // namespace

std::string LineForWords(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
  while (!text.empty() && (text.back() == '\r' || text.back() == ' ')) text.remove_suffix(1);
  return Printable(MaskSecrets(MentionsSecret(text) ? WithoutLiterals(text) : std::string(text)),
                   kShownBytes);
}

std::string SourceLine(pid_t pid, uid_t user, std::string_view file, int line) {
  if (line <= 0 || file.empty() || file.front() == '<' || file.find('\0') != std::string_view::npos)
    return {};
  const std::string process = "/proc/" + std::to_string(pid);
  std::string path(file);
  if (file.front() != '/') path = DirectoryOf(process) + "/" + path;
  const Descriptor source = OpenBelowRoot(process, path);
  if (!source.Open() || !MayRead(source, user)) return {};
  return LineForWords(ReadLine(source, line));
}

}  // namespace imagebatch::runner
