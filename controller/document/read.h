#pragma once
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

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

/// Where something begins in a text; both count from 1, columns in bytes.
struct Place {
  size_t line = 1, column = 1;
};

/// One document of a text, and where each of its values stands: by path ("spec.stages[1].image"; "" is the
/// document itself). A member of an object stands where its key does.
struct PlacedDocument {
  nlohmann::json value;
  std::map<std::string, Place, std::less<>> places;

  /// The place of `path` or, where nothing is there, of the nearest that it would be in.
  Place PlaceOf(std::string_view path) const;
};

/// All documents of a YAML text (and so of a JSON text), each as ReadYaml takes it; those that are empty are
/// left out.
Result<std::vector<PlacedDocument>> ReadYamlDocuments(std::string_view text, size_t max_bytes);

}  // namespace imagebatch::document
