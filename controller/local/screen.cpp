#include "local/screen.h"

#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <string_view>

namespace imagebatch::local {
namespace {

constexpr std::chrono::seconds kPlainEvery{60};

}  // namespace

// Whether anybody reads is no matter of the builds.
void Screen::Write(const std::string& text) {
  for (std::string_view rest = text; !rest.empty();) {
    const ssize_t written = write(STDOUT_FILENO, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    rest.remove_prefix(static_cast<size_t>(written));
  }
}

void Screen::Clear() {
  if (drawn_ > 0) Write("\r\x1b[" + std::to_string(drawn_) + "A\x1b[J");
  drawn_ = 0;
  last_.clear();
}

void Screen::Say(const std::string& text, Time now, bool bad) {
  if (!terminal()) return Write(FormatTime(now) + " " + text + "\n");
  Clear();
  Write((bad ? console_.Styled(text, cli::Style::Bad) : text) + "\n");
}

void Screen::Show(const View& view) {
  if (!terminal()) {
    if (shown_ == Time{}) shown_ = view.now;
    if (view.now - shown_ < kPlainEvery) return;
    shown_ = view.now;
    return Write(FormatTime(view.now) + " " + CountsLine(view) + "\n");
  }
  std::string text;
  const auto lines = Picture(view, static_cast<size_t>(console_.columns()));
  for (const PictureLine& line : lines)
    text += (line.style ? console_.Styled(line.text, *line.style) : line.text) + "\n";
  if (text == last_) return;
  Clear();
  Write(text);
  drawn_ = lines.size();
  last_ = text;
}

}  // namespace imagebatch::local
