#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace imagebatch::runner {

/// Texts with what differs between equal hangs set aside: numbers, identifiers and paths become "*".
/// Names in letters alone stay: by its looks, that of a row cannot be told from any other word.

/// The name of a program or file, without its directory: "gcc-*" of "/usr/bin/gcc-12", "*.sh" of
/// "/tmp/x7k2q9.sh". Printable, at most kNameBytes.
std::string PlainName(std::string_view path);
inline constexpr size_t kNameBytes = 40;

/// Of words with spaces between them the first `most` that may name what is done: letters, '-' and '_' alone,
/// as in "install", "system", "mutual_join". No options, paths, numbers, assignments.
std::string PlainWords(std::string_view text, size_t most);

/// Which program a command line runs.
struct ProgramName {
  std::string name;  // of a script rather than of its interpreter; "sh -c", "python -c" for text
  std::string mode;  // what it is to do, as far as PlainWords() tells; may be empty
};
ProgramName NameProgram(std::string_view command);

/// The lines that are repeated, as templates: words with one space between them, what differs from time to
/// time as "*". Ordered by text, at most kMostTemplates of kTemplateBytes, so that the result does not
/// depend on where in its turn a loop is looked at. Lines that are much rarer than others are left out.
std::vector<std::string> RepeatedLines(const std::vector<std::string>& lines);
inline constexpr size_t kMostTemplates = 8, kTemplateBytes = 200;

}  // namespace imagebatch::runner
