#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace imagebatch::local {

/// The lines at the end of a build's log, which is untrusted, as cluster::KeptLog has them: valid UTF-8
/// without control characters, what looks like a secret and the attempt's marker replaced by "***".
/// `log`: the last bytes of it; its first line may be cut.
std::string LogTail(std::string_view log, std::string_view marker);

/// As many whole lines from the end of `text` as have room in `most` bytes, without the runner's own.
std::string LastLines(std::string_view text, size_t most);

}  // namespace imagebatch::local
