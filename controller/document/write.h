#pragma once
#include <nlohmann/json.hpp>
#include <string>

namespace imagebatch::document {

/// `value` as one YAML document in block style, ended by a line end. A string stands in quotes wherever YAML
/// 1.1 or 1.2 could take it for something else (`yes`, `4.10`), so every reader gets the same value back.
std::string WriteYaml(const nlohmann::ordered_json& value);
std::string WriteYaml(const nlohmann::json& value);
/// A string in the same way, for one line of a text that is YAML: it may stand in {} and [], too.
std::string YamlString(const std::string& text);

}  // namespace imagebatch::document
