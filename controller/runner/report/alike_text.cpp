#include "runner/report/alike_text.h"

#include <algorithm>
#include <array>
#include <optional>
#include <span>

#include "base/text.h"
#include "hang/line_shape.h"

namespace imagebatch::runner {
namespace {

constexpr std::string_view kVariable = "*";
constexpr size_t kShortestHexId = 7;
constexpr size_t kRareShare = 4;  // lines less than 1/4 as frequent as the most frequent are left out
constexpr size_t kMostTokens = 40;

bool IsDigit(char byte) { return byte >= '0' && byte <= '9'; }
bool IsLetter(char byte) { return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z'); }
bool IsHexLetter(char byte) { return (byte >= 'a' && byte <= 'f') || (byte >= 'A' && byte <= 'F'); }
bool IsHigh(char byte) { return (static_cast<unsigned char>(byte) & 0x80) != 0; }
bool IsWordByte(char byte) { return IsLetter(byte) || IsDigit(byte) || IsHigh(byte); }

bool Among(std::string_view word, std::span<const std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

/// A run of letters and digits: itself, "libc*" of "libc6", or "*".
std::string PlainRun(std::string_view run) {
  const auto digits = std::find_if(run.begin(), run.end(), IsDigit);
  const bool hex =
      std::all_of(run.begin(), run.end(), [](char byte) { return IsDigit(byte) || IsHexLetter(byte); });
  if (digits == run.end()) {
    // What mkstemp() has drawn mostly has a digit, but not always.
    return std::string(run.starts_with("tmp") && run.size() > 8 ? kVariable : run);
  }
  const bool ends_with_digits = std::all_of(digits, run.end(), IsDigit);
  if ((hex && run.size() >= kShortestHexId) || !ends_with_digits) return std::string(kVariable);
  return std::string(run.begin(), digits).append(kVariable);
}

std::string_view TakeRun(std::string_view& text) {
  size_t size = 0;
  while (size < text.size() && IsWordByte(text[size])) ++size;
  const std::string_view run = text.substr(0, size);
  text.remove_prefix(size);
  return run;
}

std::string_view TakeToken(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  const std::string_view token = text.substr(0, text.find(' '));
  text.remove_prefix(token.size());
  return token;
}

bool IsPlainWord(std::string_view word) {
  constexpr size_t kShortest = 2, kLongest = 32;
  return word.size() >= kShortest && word.size() <= kLongest && IsLetter(word.front()) &&
         std::all_of(word.begin(), word.end(),
                     [](char byte) { return IsLetter(byte) || byte == '-' || byte == '_'; });
}

/// What runs a script, without the digits of its version.
enum class Interpreter { None, Python, Shell, Java, Other };

Interpreter InterpreterOf(std::string_view program) {
  constexpr std::array<std::string_view, 7> kShells = {"sh", "bash", "dash", "ash", "zsh", "ksh", "mksh"};
  constexpr std::array<std::string_view, 9> kOthers = {"node", "nodejs", "perl", "ruby",   "php",
                                                       "lua",  "tclsh",  "bun",  "Rscript"};
  const size_t last = program.find_last_not_of("0123456789.");
  program = program.substr(0, last == std::string_view::npos ? 0 : last + 1);
  if (program == "python" || program == "pypy") return Interpreter::Python;
  if (Among(program, kShells)) return Interpreter::Shell;
  if (program == "java") return Interpreter::Java;
  return Among(program, kOthers) ? Interpreter::Other : Interpreter::None;
}

/// An option with the program's text behind it: -c of Python and shells ("-ec" too), -e of others.
bool BringsText(Interpreter kind, std::string_view option) {
  if (option.size() < 2 || option[0] != '-' || option[1] == '-') return false;
  if (kind == Interpreter::Python) return option == "-c";
  if (kind == Interpreter::Shell) return option.ends_with('c');
  return kind == Interpreter::Other && option == "-e";
}

/// Its value is an argument of its own.
bool TakesValue(Interpreter kind, std::string_view option) {
  constexpr std::array<std::string_view, 5> kJava = {"-cp", "-classpath", "--class-path", "-p",
                                                     "--module-path"};
  constexpr std::array<std::string_view, 2> kShell = {"-o", "+o"}, kPython = {"-W", "-X"};
  if (kind == Interpreter::Java) return Among(option, kJava);
  if (kind == Interpreter::Shell) return Among(option, kShell);
  if (kind == Interpreter::Python) return Among(option, kPython);
  return option == "-r" || option == "--require";
}

/// The script, module or class, or nothing where the interpreter reads what it runs from elsewhere. Takes it
/// off `rest`.
std::optional<ProgramName> TakeScript(Interpreter kind, std::string_view interpreter,
                                      std::string_view& rest) {
  constexpr size_t kWordsOfText = 4;
  while (!rest.empty()) {
    const std::string_view token = TakeToken(rest);
    if (token.empty()) break;
    if (BringsText(kind, token)) {
      return ProgramName{std::string(interpreter) + " " + std::string(token.substr(0, 1)) + token.back(),
                         PlainWords(rest, kWordsOfText)};
    }
    if ((kind == Interpreter::Python && token == "-m") || (kind == Interpreter::Java && token == "-jar"))
      return ProgramName{PlainName(TakeToken(rest)), {}};
    if (TakesValue(kind, token)) {
      TakeToken(rest);
    } else if (token.front() != '-' && token.front() != '+') {
      return ProgramName{PlainName(token), {}};
    }
  }
  return std::nullopt;
}

using Tokens = std::vector<std::string>;

bool IsVariable(const std::string& token) { return token == kVariable; }

/// Units and the like, which change with their number.
bool IsUnit(std::string_view word) {
  constexpr std::array<std::string_view, 20> kUnits = {
      "s",       "ms",   "sec", "secs", "second", "seconds", "m",  "min", "mins", "minute",
      "minutes", "hour", "h",   "B",    "kB",     "KB",      "MB", "GB",  "MiB",  "GiB"};
  return Among(word, kUnits);
}

void AddPath(std::string_view& text, Tokens& tokens) {
  text.remove_prefix(std::min(text.find_first_of(" \t\"'`,;()[]<>"), text.size()));
  tokens.emplace_back(kVariable);
}

Tokens Cut(std::string_view text) {
  Tokens tokens;
  while (!text.empty() && tokens.size() < kMostTokens) {
    if (const size_t escape = hang::EscapeSize(text)) {
      text.remove_prefix(escape);
    } else if (text.front() == '\xE2' || text.starts_with("\xF0\x9F")) {
      // What is drawn with (see hang::LineShape)
      text.remove_prefix(std::min<size_t>(text.front() == '\xE2' ? 3 : 4, text.size()));
    } else if (text.front() == '/' && text.size() > 1 && IsWordByte(text[1])) {
      AddPath(text, tokens);
    } else if (!IsWordByte(text.front())) {
      text.remove_prefix(1);
    } else {
      std::string run = PlainRun(TakeRun(text));
      if (!IsUnit(run) || tokens.empty() || !IsVariable(tokens.back())) tokens.push_back(std::move(run));
    }
  }
  return tokens;
}

struct Template {
  Tokens tokens;
  size_t lines = 1;
};

/// Of so many tokens at most so many may differ (see hang::LineTemplates).
size_t MostHoles(size_t tokens) { return tokens < 2 ? 0 : tokens <= 2 ? 1 : tokens <= 4 ? 2 : 3; }

/// Whether the line is one of the template, which then has a hole wherever they differ.
bool Join(Template& of, const Tokens& line) {
  if (of.tokens.size() != line.size()) return false;
  size_t holes = 0;
  bool alike = false;
  for (size_t index = 0; index < line.size(); ++index) {
    const bool same = of.tokens[index] == line[index];
    alike = alike || (same && !IsVariable(line[index]));
    if (!same) ++holes;
  }
  if (of.tokens == line) return true;
  if (!alike || holes > MostHoles(line.size())) return false;
  for (size_t index = 0; index < line.size(); ++index) {
    if (of.tokens[index] != line[index]) of.tokens[index] = kVariable;
  }
  return true;
}

std::string TextOf(const Tokens& tokens) {
  std::string text;
  const std::string* before = nullptr;
  for (const std::string& token : tokens) {
    const bool again = before != nullptr && IsVariable(*before) && IsVariable(token);
    before = &token;
    if (again) continue;
    if (!text.empty()) text += ' ';
    text += token;
  }
  return Printable(text, kTemplateBytes);
}

}  // namespace

std::string PlainName(std::string_view path) {
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  std::string_view rest = path.substr(path.rfind('/') + 1);
  std::string name;
  while (!rest.empty() && name.size() <= kNameBytes) {
    if (IsWordByte(rest.front())) {
      name += PlainRun(TakeRun(rest));
    } else {
      name += rest.front();
      rest.remove_prefix(1);
    }
  }
  return Printable(name, kNameBytes);
}

std::string PlainWords(std::string_view text, size_t most) {
  std::string words;
  size_t count = 0;
  for (std::string_view token; count < most && !(token = TakeToken(text)).empty();) {
    if (!IsPlainWord(token)) continue;
    if (count++ > 0) words += ' ';
    words += token;
  }
  return words;
}

ProgramName NameProgram(std::string_view command) {
  if (command.starts_with('[')) {
    command.remove_prefix(1);
    return {PlainName(command.substr(0, command.rfind(']'))), {}};
  }
  std::string_view rest = command;
  std::string_view program = TakeToken(rest);
  if (program.starts_with('-')) program.remove_prefix(1);  // a login shell
  program = program.substr(program.rfind('/') + 1);
  const Interpreter kind = InterpreterOf(program);
  if (kind != Interpreter::None) {
    const size_t last = program.find_last_not_of("0123456789.");
    const std::string_view interpreter = program.substr(0, last + 1);
    auto script = TakeScript(kind, interpreter, rest);
    if (!script) return {std::string(interpreter), {}};
    if (script->mode.empty()) script->mode = PlainWords(rest, 1);
    return *script;
  }
  return {PlainName(program), PlainWords(rest, 1)};
}

std::vector<std::string> RepeatedLines(const std::vector<std::string>& lines) {
  std::vector<Template> templates;
  for (const std::string& line : lines) {
    const Tokens tokens = Cut(line);
    if (std::all_of(tokens.begin(), tokens.end(), IsVariable)) continue;
    const auto same = std::find_if(templates.begin(), templates.end(),
                                   [&tokens](Template& of) { return Join(of, tokens); });
    if (same == templates.end()) {
      templates.push_back({tokens});
    } else {
      ++same->lines;
    }
  }
  size_t most = 0;
  for (const Template& each : templates) most = std::max(most, each.lines);
  std::vector<std::string> texts;
  for (const Template& each : templates) {
    if (each.lines * kRareShare >= most) texts.push_back(TextOf(each.tokens));
  }
  std::sort(texts.begin(), texts.end());
  texts.erase(std::unique(texts.begin(), texts.end()), texts.end());
  // More than a turn of the loop has been seen, or it is as long as what is kept.
  if (most == 1 && texts.size() > kMostTemplates) return {};
  if (texts.size() > kMostTemplates) texts.resize(kMostTemplates);
  return texts;
}

}  // namespace imagebatch::runner
