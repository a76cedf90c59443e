// The one place that includes yaml-cpp. Its events are read, not its nodes: a node tree resolves aliases
// (330 bytes of them visit 12 million nodes, and a cyclic one never ends) and keeps the first of two
// duplicate keys. LoadAll is never called: in 0.7 it loops on "," until memory is gone.
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <charconv>
#include <cmath>
#include <sstream>
#include <string>

#include "base/text.h"
#include "document/read.h"
#include "document/source_text.h"
#include "document/tree_builder.h"

namespace imagebatch::document {
namespace {

using nlohmann::json;

/// -?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?
bool IsJsonNumber(std::string_view text) {
  size_t i = 0;
  const auto digits = [&] {
    const size_t start = i;
    while (i < text.size() && text[i] >= '0' && text[i] <= '9') ++i;
    return i > start;
  };
  if (i < text.size() && text[i] == '-') ++i;
  if (i < text.size() && text[i] == '0') {
    ++i;
  } else if (!digits()) {
    return false;
  }
  if (i < text.size() && text[i] == '.') {
    ++i;
    if (!digits()) return false;
  }
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    ++i;
    if (i < text.size() && (text[i] == '-' || text[i] == '+')) ++i;
    if (!digits()) return false;
  }
  return i == text.size();
}

template <class Number>
bool Converts(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

/// A plain scalar; the parser gives null by an event of its own.
json PlainValue(const std::string& text) {
  if (text == "true" || text == "True" || text == "TRUE") return true;
  if (text == "false" || text == "False" || text == "FALSE") return false;
  if (!IsJsonNumber(text)) return text;
  if (int64_t integer = 0; Converts(text, integer)) return integer;
  if (uint64_t integer = 0; Converts(text, integer)) return integer;
  // what no double holds, such as the commit 4e54691, is text
  if (double number = 0; Converts(text, number) && std::isfinite(number)) return number;
  return text;
}

/// Refusals leave through the parser as one of its own exceptions; it knows no other way to stop.
class Handler final : public YAML::EventHandler {
 public:
  Handler() = default;
  /// Keeps the places of all values.
  explicit Handler(std::map<std::string, Place, std::less<>>& places) : places_(&places) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > 1) Refuse(mark, "a second document; only one is read");
    start_ = mark;
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    Plain(mark, "", anchor);
    if (key_next_) Refuse(mark, "a key is missing");
    Add(mark, nullptr);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    Refuse(mark, "aliases (*name) are not allowed; write the value out");
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    Plain(mark, tag, anchor);
    if (key_next_) {
      Check(mark, tree_.Key(value));
      key_next_ = false;
      Note(mark);
    } else {
      Add(mark, tag == "?" ? PlainValue(value) : json(value));
    }
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    Begin(mark, tag, anchor, json::array());
  }
  void OnSequenceEnd() override { End(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    Begin(mark, tag, anchor, json::object());
  }
  void OnMapEnd() override { End(); }

  json Take() { return tree_.Take(); }
  const YAML::Mark& start() const { return start_; }

  [[noreturn]] static void Refuse(const YAML::Mark& mark, const std::string& why) {
    throw YAML::ParserException(mark, why);
  }

 private:
  static void Check(const YAML::Mark& mark, const std::string& problem) {
    if (!problem.empty()) Refuse(mark, problem);
  }
  static void Plain(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    if (anchor != 0) Refuse(mark, "anchors (&name) are not allowed");
    if (tag.size() > 1) Refuse(mark, "tags (!name) are not allowed");  // "?" plain, "!" quoted
  }
  void Add(const YAML::Mark& mark, json value) {
    Check(mark, tree_.Value(std::move(value)));
    Note(mark);
    key_next_ = tree_.InObject();
  }
  void Begin(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, json container) {
    Plain(mark, tag, anchor);
    if (key_next_) Refuse(mark, "a key must be a scalar");
    Check(mark, tree_.Begin(std::move(container)));
    Note(mark);
    key_next_ = tree_.InObject();
  }
  void End() {
    tree_.End();
    key_next_ = tree_.InObject();
  }

  /// A member keeps the place of its key.
  void Note(const YAML::Mark& mark) {
    if (places_ == nullptr) return;
    places_->try_emplace(tree_.LastPath(),
                         Place{static_cast<size_t>(mark.line) + 1, static_cast<size_t>(mark.column) + 1});
  }

  TreeBuilder tree_;
  std::map<std::string, Place, std::less<>>* places_ = nullptr;
  YAML::Mark start_ = YAML::Mark::null_mark();
  bool key_next_ = false;
  int documents_ = 0;
};

std::string Message(const YAML::Exception& error) {
  std::string message = error.msg == "illegal document indicator in scalar"
                            ? "a quote is not closed before the end of the document"
                            : Printable(error.msg, 300);
  if (error.mark.is_null()) return message;
  return "line " + std::to_string(error.mark.line + 1) + ", column " + std::to_string(error.mark.column + 1) +
         ": " + message;
}

/// yaml-cpp takes the end of the text for a closing quote; it does not take the end of a document for one.
std::istringstream Ended(std::string_view text) {
  std::string ended(text);
  ended += text.ends_with('\n') || text.empty() ? "...\n" : "\n...\n";
  return std::istringstream(ended);
}

}  // namespace

Result<json> ReadYaml(std::string_view text, size_t max_bytes) {
  if (const auto checked = CheckText(text, max_bytes); !checked) return Fail(checked.error().message);
  std::istringstream stream = Ended(text);
  try {
    Handler handler;
    YAML::Parser parser(stream);
    parser.HandleNextDocument(handler);
    parser.HandleNextDocument(handler);  // nothing is left, or OnDocumentStart refuses it
    return handler.Take();
  } catch (const YAML::Exception& error) {
    return Fail(Message(error));
  }
}

Result<std::vector<PlacedDocument>> ReadYamlDocuments(std::string_view text, size_t max_bytes) {
  if (const auto checked = CheckText(text, max_bytes); !checked) return Fail(checked.error().message);
  std::istringstream stream = Ended(text);
  std::vector<PlacedDocument> documents;
  try {
    YAML::Parser parser(stream);
    int last = -1;  // where the document before began
    for (;;) {
      PlacedDocument document;
      Handler handler(document.places);
      if (!parser.HandleNextDocument(handler)) return documents;
      // "," is a document to it that begins where it ended, for ever
      if (handler.start().pos <= last)
        Handler::Refuse(handler.start(), "what stands here belongs to no document");
      last = handler.start().pos;
      document.value = handler.Take();
      if (!document.value.is_null()) documents.push_back(std::move(document));
    }
  } catch (const YAML::Exception& error) {
    return Fail(Message(error));
  }
}

Place PlacedDocument::PlaceOf(std::string_view path) const {
  for (;;) {
    if (const auto at = places.find(path); at != places.end()) return at->second;
    const size_t cut = path.find_last_of(".[");
    if (cut == std::string_view::npos) break;
    path = path.substr(0, cut);
  }
  const auto whole = places.find(std::string_view());
  return whole == places.end() ? Place{} : whole->second;
}

}  // namespace imagebatch::document
