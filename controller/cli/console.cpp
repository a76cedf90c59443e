#include "cli/console.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

namespace imagebatch::cli {
namespace {

/// Empty where it is not set.
std::string_view Variable(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nobody sets one
  return value == nullptr ? std::string_view() : value;
}

std::string_view Code(Style style) {
  switch (style) {
    case Style::Bold:
      return "\x1b[1m";
    case Style::Dim:
      return "\x1b[2m";
    case Style::Good:
      return "\x1b[32m";
    case Style::Bad:
      return "\x1b[31m";
    case Style::Warning:
      return "\x1b[33m";
  }
  return "";
}

}  // namespace

Console::Console(int fd)
    : fd_(fd),
      terminal_(isatty(fd) == 1 && Variable("TERM") != "dumb"),
      color_(terminal_ && Variable("NO_COLOR").empty()) {}

int Console::columns() const {
  constexpr int kUsual = 80, kLeast = 20;
  winsize size{};
  if (!terminal_ || ioctl(fd_, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kUsual;
  return std::max<int>(size.ws_col, kLeast);
}

std::string Console::Styled(std::string_view text, Style style) const {
  if (!color_) return std::string(text);
  return std::string(Code(style)).append(text).append("\x1b[0m");
}

}  // namespace imagebatch::cli
