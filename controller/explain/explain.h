#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace imagebatch::explain {

inline constexpr size_t kColumns = 100;
inline constexpr size_t kMostLines = 50;

/// What the runner says of a hang, as text of at most `most_lines` lines of kColumns columns: the verdict,
/// who waits for whom, where the threads stand and who holds their locks, the processes, the last output.
/// What finds no room is counted.
///
/// `text` is JSON of the runner: its line in the log, its state, its account, or what the controller keeps of
/// them; or a whole log, of which the last such line counts. Nothing where it is none of these. All of it is
/// untrusted: the result is printable.
std::optional<std::string> Explain(std::string_view text, size_t most_lines = kMostLines);

}  // namespace imagebatch::explain
