#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace imagebatch::document {

/// Puts a JSON value together from a parser's events and keeps the rules that JSON and YAML share here: no
/// duplicate keys, at most kMaxDepth levels. The steps that can break a rule return what is wrong, nothing
/// where all is well. The caller ends what it began, in order.
class TreeBuilder {
 public:
  /// A scalar.
  std::string Value(nlohmann::json value);
  /// An empty object or array that the following events fill.
  std::string Begin(nlohmann::json container);
  void End();
  /// The key of the next value of the open object.
  std::string Key(std::string name);
  bool InObject() const { return !open_.empty() && open_.back()->is_object(); }
  /// Of the value that was added or begun last, or whose key was.
  std::string LastPath() const;

  nlohmann::json Take() { return std::move(root_); }

 private:
  nlohmann::json* Place(nlohmann::json value);
  std::string Path(size_t levels) const;

  nlohmann::json root_;
  // The pointers stay valid: only the innermost container grows, and nothing points into it.
  std::vector<nlohmann::json*> open_;
  std::vector<std::string> keys_;  // of each open container, the key last given; empty in an array
};

}  // namespace imagebatch::document
