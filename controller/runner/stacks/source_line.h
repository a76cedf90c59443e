#pragma once
#include <sys/types.h>

#include <string>
#include <string_view>

namespace imagebatch::runner {

/// Line `line` (from 1) of a source file as a process sees it, below that process's root: without
/// indentation, secrets masked, at most 60 bytes. Empty where it cannot be had. A relative path begins in the
/// process's directory. Only a plain file that `user`, whose process it is, may read: the path is what the
/// process says.
std::string SourceLine(pid_t pid, uid_t user, std::string_view file, int line);

/// The same of a file's text; for tests.
std::string LineForWords(std::string_view text);

}  // namespace imagebatch::runner
