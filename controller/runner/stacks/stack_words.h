#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace imagebatch::runner {

/// A frame for words; all of it is the program's own text.
struct FrameWords {
  std::string_view file, function;
  int line = 0;
};

/// Whether the file belongs to Python or to what was installed for it, not to the program.
bool IsLibrary(std::string_view file);

/// "logging/__init__.py" of "/usr/lib/python3.11/logging/__init__.py"; of another path the last 80 bytes.
std::string ShortPath(std::string_view file);

/// "fork_pool.py:34 Handler.emit", printable.
std::string Place(const FrameWords& frame);

/// The stack in one line of at most kStackBytes, innermost frame first: the two innermost, the innermost of
/// the program's own, with the text of its source line where `source` has it, and where it came from. " < "
/// stands for "called by", " <~ " for the same with frames in between that are not shown. What a forked
/// worker has of its parent's past is left out. `more`: the stack goes on behind the last frame.
std::string DescribeStack(const std::vector<FrameWords>& frames, bool more,
                          const std::function<std::string(const FrameWords&)>& source);

/// The stack without directories and lines' numbers, for telling whether threads of different processes stand
/// in the same place: "INNERMOST|OWN|CALLER|SOURCE", of at most kPlaceBytes. INNERMOST is a library's frame
/// ("logging/__init__.py Handler.acquire"), empty where the program's own is innermost; OWN the innermost of
/// the program's own, with the text of its line as SOURCE; CALLER the own function that called it directly,
/// by which a helper that is called from everywhere is told apart. Whatever is not there is empty.
std::string DescribePlace(const std::vector<FrameWords>& frames,
                          const std::function<std::string(const FrameWords&)>& source);

/// The innermost of the program's own frames; the innermost of all where there is none.
size_t OwnFrame(const std::vector<FrameWords>& frames);

}  // namespace imagebatch::runner
