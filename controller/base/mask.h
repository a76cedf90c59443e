#pragma once
#include <string>
#include <string_view>

namespace imagebatch {

/// `text` with what looks like a secret replaced by "***": the value of `--password=x`, `--token x`,
/// `API_KEY=x` and the like, what follows `Authorization:` or `Bearer`, and the user part of a URL. Zero
/// bytes part arguments, as in /proc/PID/cmdline, and become spaces. It errs on the side of hiding too much.
std::string MaskSecrets(std::string_view text);

}  // namespace imagebatch
