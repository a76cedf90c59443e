#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>

#include "cli/commands.h"

/// Completion of command lines by a shell, made from what the program knows of its commands itself.
namespace imagebatch::cli {
namespace {

std::vector<const CLI::App*> CommandsOf(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App* one) { return !one->get_name().empty(); });
}

std::vector<const CLI::Option*> OptionsOf(const CLI::App& app) {
  return app.get_options([](const CLI::Option* one) { return one->nonpositional(); });
}

bool TakesValue(const CLI::Option& option) { return option.get_items_expected_max() > 0; }

/// The values that the option may have, with spaces between them; empty where it may have any.
std::string ValuesOf(const CLI::Option& option) {
  const std::string type = option.get_type_name();  // such as "FORMAT:{json,yaml}"
  const size_t begin = type.find('{'), end = type.find('}');
  if (begin == std::string::npos || end == std::string::npos) return "";
  std::string values = type.substr(begin + 1, end - begin - 1);
  for (char& c : values) c = c == ',' ? ' ' : c;
  return values;
}

/// "-o --output", those that begin with '-'.
std::string NamesOf(const CLI::Option& option, const char* between) {
  std::string names;
  const auto add = [&](const std::string& name) { names += (names.empty() ? "" : between) + name; };
  for (const std::string& name : option.get_snames()) add("-" + name);
  for (const std::string& name : option.get_lnames()) add("--" + name);
  return names;
}

void WriteBash(const CLI::App& app, std::ostream& out) {
  std::string commands;
  for (const CLI::App* command : CommandsOf(app))
    commands += (commands.empty() ? "" : " ") + command->get_name();
  out << R"(_imagebatch() {
  local word command="" options="" current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    if [[ $word != -* ]]; then command=$word; break; fi
  done
  COMPREPLY=()
  case $command in
  "")
    options=")"
      << commands << "\"\n    ;;\n";
  for (const CLI::App* command : CommandsOf(app)) {
    std::string names;
    out << "  " << command->get_name() << ")\n    case $before in\n";
    for (const CLI::Option* option : OptionsOf(*command)) {
      names += (names.empty() ? "" : " ") + NamesOf(*option, " ");
      if (!TakesValue(*option)) continue;
      const std::string values = ValuesOf(*option);
      out << "    " << NamesOf(*option, "|") << ") ";
      if (!values.empty()) out << "COMPREPLY=($(compgen -W \"" << values << "\" -- \"$current\")); ";
      out << "return ;;\n";
    }
    out << "    esac\n    options=\"" << names << "\"\n    ;;\n";
  }
  out << R"(  esac
  if [[ -z $command || $current == -* ]]; then
    COMPREPLY=($(compgen -W "$options" -- "$current"))
  fi
}
complete -o default -F _imagebatch imagebatch
)";
}

/// zsh can run what bash runs.
void WriteZsh(const CLI::App& app, std::ostream& out) {
  out << "#compdef imagebatch\nautoload -U +X bashcompinit && bashcompinit\n";
  WriteBash(app, out);
}

std::string Quoted(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text.substr(0, text.find('\n'))) {
    if (c == '\'' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "'";
}

void WriteFish(const CLI::App& app, std::ostream& out) {
  for (const CLI::App* command : CommandsOf(app)) {
    const std::string& name = command->get_name();
    out << "complete -c imagebatch -n __fish_use_subcommand -f -a " << name << " -d "
        << Quoted(command->get_description()) << "\n";
    for (const CLI::Option* option : OptionsOf(*command)) {
      out << "complete -c imagebatch -n '__fish_seen_subcommand_from " << name << "'";
      for (const std::string& letter : option->get_snames()) out << " -s " << letter;
      for (const std::string& word : option->get_lnames()) out << " -l " << word;
      const std::string values = ValuesOf(*option);
      if (TakesValue(*option)) out << " -r";
      if (!values.empty()) out << " -f -a " << Quoted(values);
      out << " -d " << Quoted(option->get_description()) << "\n";
    }
  }
}

}  // namespace

void AddCompletion(CLI::App& app, Exit& exit) {
  CLI::App* command = app.add_subcommand("completion", "Print what a shell needs to complete command lines");
  command->footer(R"(Examples:
  imagebatch completion bash > /etc/bash_completion.d/imagebatch
  imagebatch completion zsh > "${fpath[1]}/_imagebatch"
  imagebatch completion fish > ~/.config/fish/completions/imagebatch.fish

Exit codes: 0 printed, 2 wrong usage.)");
  const auto shell = std::make_shared<std::string>();
  command->add_option("SHELL", *shell, "bash, zsh or fish")
      ->type_name("")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  command->callback([shell, &app, &exit] {
    if (*shell == "bash") WriteBash(app, std::cout);
    if (*shell == "zsh") WriteZsh(app, std::cout);
    if (*shell == "fish") WriteFish(app, std::cout);
    exit = Exit::Done;
  });
}

}  // namespace imagebatch::cli
