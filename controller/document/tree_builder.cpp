#include "document/tree_builder.h"

#include <utility>

#include "base/text.h"
#include "document/source_text.h"

namespace imagebatch::document {

std::string TreeBuilder::Value(nlohmann::json value) {
  Place(std::move(value));
  return "";
}

std::string TreeBuilder::Begin(nlohmann::json container) {
  if (open_.size() == kMaxDepth) {
    return "is nested deeper than " + std::to_string(kMaxDepth) + " levels";
  }
  open_.push_back(Place(std::move(container)));
  keys_.emplace_back();
  return "";
}

void TreeBuilder::End() {
  open_.pop_back();
  keys_.pop_back();
}

std::string TreeBuilder::Key(std::string name) {
  if (open_.back()->contains(name)) {
    const std::string parent = Path(open_.size() - 1);  // its own key names a member, not the container
    return (parent.empty() ? "" : parent + ": ") + "duplicate key " + Quote(name);
  }
  keys_.back() = std::move(name);
  return "";
}

nlohmann::json* TreeBuilder::Place(nlohmann::json value) {
  if (open_.empty()) {
    root_ = std::move(value);
    return &root_;
  }
  nlohmann::json& parent = *open_.back();
  if (parent.is_array()) return &parent.emplace_back(std::move(value));
  return &(parent[keys_.back()] = std::move(value));
}

std::string TreeBuilder::LastPath() const {
  // a container that was begun just now has no member yet
  const bool begun = !open_.empty() && open_.back()->empty() && keys_.back().empty();
  return Path(begun ? open_.size() - 1 : open_.size());
}

std::string TreeBuilder::Path(size_t levels) const {
  std::string path;
  for (size_t i = 0; i < levels; ++i) {
    if (open_[i]->is_array()) {
      path += "[" + std::to_string(open_[i]->size() - 1) + "]";
    } else {
      path += (path.empty() ? "" : ".") + Printable(keys_[i], 80);
    }
  }
  return Cut(path, 300);
}

}  // namespace imagebatch::document
