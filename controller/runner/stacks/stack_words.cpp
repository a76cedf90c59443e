#include "runner/stacks/stack_words.h"

#include <algorithm>

#include "base/text.h"
#include "runner/stacks/stacks.h"

namespace imagebatch::runner {
namespace {

constexpr size_t kPathBytes = 80;
constexpr size_t kFunctionBytes = 80;
constexpr size_t kMostOwn = 5;
constexpr size_t kMostLibrary = 3;  // of a stack that has no frame of the program's own
constexpr std::string_view kLibrary = "/lib/python3";

std::string_view NameOf(std::string_view path) { return path.substr(path.rfind('/') + 1); }
std::string_view DirectoryOf(std::string_view path) { return path.substr(0, path.rfind('/') + 1); }

/// Where multiprocessing forks: what called it is the parent's past.
bool Forks(const FrameWords& frame) {
  return frame.file.ends_with("/multiprocessing/popen_fork.py") && frame.function.ends_with("_launch");
}

std::string Shown(const FrameWords& frame, std::string_view path) {
  std::string text = Printable(path, kPathBytes + 8);
  if (frame.line > 0) text += ":" + std::to_string(frame.line);
  return text + " " + Printable(frame.function, kFunctionBytes);
}

}  // namespace

bool IsLibrary(std::string_view file) {
  return file.find(kLibrary) != std::string_view::npos || file.starts_with("<frozen ");
}

std::string ShortPath(std::string_view file) {
  if (const size_t library = file.rfind(kLibrary); library != std::string_view::npos) {
    const size_t end = file.find('/', library + kLibrary.size());
    if (end != std::string_view::npos) file.remove_prefix(end + 1);
    for (std::string_view directory : {"site-packages/", "dist-packages/"}) {
      if (file.starts_with(directory)) file.remove_prefix(directory.size());
    }
  }
  if (file.size() <= kPathBytes) return std::string(file);
  // The last part of a path says the most.
  std::string_view end = file.substr(file.size() - kPathBytes);
  const size_t slash = end.find('/');
  if (slash != std::string_view::npos) end.remove_prefix(slash);
  return "..." + std::string(end);
}

std::string Place(const FrameWords& frame) { return Shown(frame, ShortPath(frame.file)); }

size_t OwnFrame(const std::vector<FrameWords>& frames) {
  for (size_t index = 0; index < frames.size() && !Forks(frames[index]); ++index) {
    if (!IsLibrary(frames[index].file)) return index;
  }
  return 0;
}

std::string DescribeStack(const std::vector<FrameWords>& frames, bool more,
                          const std::function<std::string(const FrameWords&)>& source) {
  const auto fork = std::find_if(frames.begin(), frames.end(), Forks);
  const auto count = static_cast<size_t>(fork - frames.begin());
  const bool has_own =
      std::any_of(frames.begin(), fork, [](const FrameWords& frame) { return !IsLibrary(frame.file); });
  std::string text;
  std::string_view directory;  // of the own file before
  size_t own = 0;
  bool skipped = false;
  for (size_t index = 0; index < count; ++index) {
    const FrameWords& frame = frames[index];
    const bool library = IsLibrary(frame.file);
    const bool wanted =
        library ? index < (has_own ? 2 : kMostLibrary) : own < kMostOwn || index + 1 == frames.size();
    if (!wanted) {
      skipped = true;
      continue;
    }
    if (!text.empty()) text += skipped ? " <~ " : " < ";
    skipped = false;
    const bool beside = !library && own > 0 && DirectoryOf(frame.file) == directory;
    text += Shown(frame, beside ? std::string(NameOf(frame.file)) : ShortPath(frame.file));
    if (library) continue;
    directory = DirectoryOf(frame.file);
    if (own++ > 0) continue;
    if (const std::string line = source(frame); !line.empty()) text += " `" + line + "`";
  }
  if (fork != frames.end()) {
    text += " <~ (forked)";
  } else if (more) {
    text += " <~ ...";
  }
  return Cut(text, kStackBytes);
}

std::string DescribePlace(const std::vector<FrameWords>& frames,
                          const std::function<std::string(const FrameWords&)>& source) {
  constexpr size_t kPartBytes = 80;
  if (frames.empty()) return {};
  const auto part = [](std::string_view file, std::string_view function) {
    std::string text = Printable(std::string(file) + " " + std::string(function), kPartBytes);
    std::replace(text.begin(), text.end(), '|', '/');
    return text;
  };
  const FrameWords& innermost = frames.front();
  const size_t own = OwnFrame(frames);
  std::string text = IsLibrary(innermost.file) ? part(ShortPath(innermost.file), innermost.function) : "";
  text += '|';
  if (IsLibrary(frames[own].file)) return text + "||";
  text += part(NameOf(frames[own].file), frames[own].function) + '|';
  const bool called = own + 1 < frames.size() && !IsLibrary(frames[own + 1].file);
  if (called && frames[own + 1].function != "<module>")
    text += part(NameOf(frames[own + 1].file), frames[own + 1].function);
  return Cut(text + '|' + source(frames[own]), kPlaceBytes);
}

}  // namespace imagebatch::runner
