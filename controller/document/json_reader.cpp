#include "document/json_reader.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/text.h"
#include "document/read.h"
#include "document/source_text.h"
#include "document/tree_builder.h"

namespace imagebatch::document {
namespace {

/// Feeds the parser's events to the builder that both formats share.
class TreeEvents final : public JsonEvents {
 public:
  bool null() override { return Check(tree_.Value(nullptr)); }
  bool boolean(bool value) override { return Check(tree_.Value(value)); }
  bool number_integer(number_integer_t value) override { return Check(tree_.Value(value)); }
  bool number_unsigned(number_unsigned_t value) override { return Check(tree_.Value(value)); }
  bool number_float(number_float_t value, const string_t&) override { return Check(tree_.Value(value)); }
  bool string(string_t& value) override { return Check(tree_.Value(std::move(value))); }
  bool start_object(size_t) override { return Check(tree_.Begin(nlohmann::json::object())); }
  bool key(string_t& name) override { return Check(tree_.Key(std::move(name))); }
  bool end_object() override { return End(); }
  bool start_array(size_t) override { return Check(tree_.Begin(nlohmann::json::array())); }
  bool end_array() override { return End(); }

  nlohmann::json Take() { return tree_.Take(); }

 private:
  bool Check(const std::string& problem) { return problem.empty() || Refuse(problem); }
  bool End() {
    tree_.End();
    return true;
  }

  TreeBuilder tree_;
};

}  // namespace

bool JsonEvents::Parse(std::string_view part, std::string_view whole) {
  whole_ = whole;
  begin_ = static_cast<size_t>(part.data() - whole.data());
  error_.clear();
  return nlohmann::json::sax_parse(part.begin(), part.end(), this) && error_.empty();
}

bool JsonEvents::parse_error(size_t position, const std::string&, const nlohmann::detail::exception& error) {
  const size_t at = std::min(whole_.size(), begin_ + (position == 0 ? 0 : position - 1));
  const std::string place = Position(whole_, at) + ": ";
  std::string_view what = error.what();
  // What Python writes for floats that are no numbers; within a string it is the string that is wrong
  for (const std::string_view word : {"NaN", "Infinity"}) {
    if (!whole_.substr(at).starts_with(word) || what.find("invalid string") != std::string_view::npos)
      continue;
    return Refuse(place + std::string(word) + " is not JSON; write null, or put it in quotes");
  }
  // "[json.exception.parse_error.101] parse error at line 1, column 2: syntax error while ..."; the place is
  // ours, since the library counts it differently for the end of the text
  for (const std::string_view head : {"syntax error ", "number overflow "}) {
    if (const size_t found = what.find(head); found != std::string_view::npos) what.remove_prefix(found);
  }
  return Refuse(place + Printable(what, 300));
}

bool JsonEvents::Refuse(std::string message) {
  error_ = std::move(message);
  return false;
}

Result<nlohmann::json> ReadJson(std::string_view text, size_t max_bytes) {
  if (const auto checked = CheckText(text, max_bytes); !checked) return Fail(checked.error().message);
  TreeEvents events;
  if (!events.Parse(text)) return Fail(events.error());
  return events.Take();
}

}  // namespace imagebatch::document
