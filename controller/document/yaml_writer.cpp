#include <yaml-cpp/emitter.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "document/write.h"

namespace imagebatch::document {
namespace {

bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/// Whether all readers of YAML take it for the string that it is.
bool IsPlain(std::string_view text) {
  static constexpr std::array<std::string_view, 11> kWords = {"true", "false", "yes", "no",  "on", "off",
                                                              "null", "y",     "n",   "inf", "nan"};
  constexpr size_t kLongest = 200;
  if (text.empty() || text.size() > kLongest || !(IsLetter(text[0]) || text[0] == '/')) return false;
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  if (std::find(kWords.begin(), kWords.end(), lower) != kWords.end()) return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return IsLetter(c) || (c >= '0' && c <= '9') ||
           std::string_view("_-./").find(c) != std::string_view::npos;
  });
}

/// Whether a literal block (|) gives it back as it is.
bool IsBlock(std::string_view text) {
  if (text.size() < 2 || text.back() != '\n' || text[text.size() - 2] == '\n' || text.front() == ' ' ||
      text.front() == '\n') {
    return false;
  }
  return text.find('\n') + 1 < text.size() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c == '\n' || (c >= ' ' && c <= '~'); });
}

void WriteString(YAML::Emitter& out, const std::string& text) {
  if (IsPlain(text)) {
    out << text;
  } else if (IsBlock(text)) {
    out << YAML::Literal << text.substr(0, text.size() - 1);  // which ends the line itself
  } else {
    out << YAML::DoubleQuoted << text;
  }
}

template <class Json>
void Write(YAML::Emitter& out, const Json& value) {  // NOLINT(misc-no-recursion): as deep as what was read
  if (value.is_object()) {
    if (value.empty()) out << YAML::Flow;
    out << YAML::BeginMap;
    for (const auto& [key, member] : value.items()) {
      out << YAML::Key;
      WriteString(out, key);
      out << YAML::Value;
      Write(out, member);
    }
    out << YAML::EndMap;
  } else if (value.is_array()) {
    if (value.empty()) out << YAML::Flow;
    out << YAML::BeginSeq;
    for (const auto& element : value) Write(out, element);
    out << YAML::EndSeq;
  } else if (value.is_string()) {
    WriteString(out, value.template get_ref<const std::string&>());
  } else if (value.is_null()) {
    out << YAML::Null;
  } else {
    out << value.dump();
  }
}

template <class Json>
std::string Document(const Json& value) {
  YAML::Emitter out;
  Write(out, value);
  return std::string(out.c_str(), out.size()) + "\n";
}

}  // namespace

std::string YamlString(const std::string& text) {
  if (IsPlain(text)) return text;
  YAML::Emitter out;
  out << YAML::DoubleQuoted << text;
  return std::string(out.c_str(), out.size());
}

std::string WriteYaml(const nlohmann::ordered_json& value) { return Document(value); }
std::string WriteYaml(const nlohmann::json& value) { return Document(value); }

}  // namespace imagebatch::document
