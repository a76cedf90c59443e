#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace imagebatch {

/// The end of a path, which names it best, in at most `limit` bytes; "..." stands for the rest.
std::string PathTail(std::string_view path, size_t limit);

/// A command line in at most `limit` bytes, which are at least 16: of each argument that is a path its last
/// part ("/usr/bin/python3 /src/tools/build.py -v" becomes "python3 build.py -v"). What finds no room goes
/// from the end, so that program and script stay.
std::string ShortCommand(std::string_view command, size_t limit);

}  // namespace imagebatch
