#pragma once
#include <nlohmann/json.hpp>
#include <string_view>

#include "base/result.h"

/// Documents that people write, as values, with the place of what is wrong in them.
namespace imagebatch::document {

/// JSON text as a value; fails on a syntax error (with line and column), a duplicate key (with its path),
/// more than 128 levels and more than `max_bytes`.
Result<nlohmann::json> ReadJson(std::string_view text, size_t max_bytes);

/// One YAML document as the same kind of value. Refused with line and column: syntax errors, an
/// unterminated quote, aliases and anchors, duplicate keys, keys that are not scalars, a second document,
/// more than 128 levels, more than `max_bytes`. Plain scalars follow the JSON-compatible core schema of
/// YAML 1.2 (true/false, null, decimal numbers); everything else, `yes` and `010` included, stays a string.
Result<nlohmann::json> ReadYaml(std::string_view text, size_t max_bytes);

}  // namespace imagebatch::document
