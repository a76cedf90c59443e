#include "kube/decode.h"

#include <simdjson.h>

namespace imagebatch::kube {
namespace {

namespace ondemand = simdjson::ondemand;

Result<WatchEvent::Type> ReadType(std::string_view text) {
  if (text == "ADDED") return WatchEvent::Type::Added;
  if (text == "MODIFIED") return WatchEvent::Type::Modified;
  if (text == "DELETED") return WatchEvent::Type::Deleted;
  if (text == "BOOKMARK") return WatchEvent::Type::Bookmark;
  if (text == "ERROR") return WatchEvent::Type::Error;
  return Fail("unknown type of watch event");
}

/// The string at `key` of an object, empty where there is none. Rewinds nothing: call in document order.
std::string Text(ondemand::object& object, std::string_view key) {
  std::string_view text;
  if (object.find_field_unordered(key).get_string().get(text) != simdjson::SUCCESS) return "";
  return std::string(text);
}

Status ErrorStatus(std::string_view object) {
  return ReadStatus(object).value_or(Status{0, "", "not a Status object"});
}

tl::unexpected<Error> NotRead(std::string_view what, simdjson::error_code code) {
  return Fail(std::string(what) + ": " + simdjson::error_message(code));
}

}  // namespace

struct Decoder::Parser {
  ondemand::parser parser;
};

Decoder::Decoder() : parser_(std::make_unique<Parser>()) {}
Decoder::~Decoder() = default;

Result<WatchEvent> Decoder::ReadEvent(std::string_view line) {
  ondemand::document document;
  ondemand::object top;
  const simdjson::padded_string_view padded(line.data(), line.size(),
                                            line.size() + simdjson::SIMDJSON_PADDING);
  if (auto code = parser_->parser.iterate(padded).get(document); code) return NotRead("watch event", code);
  if (auto code = document.get_object().get(top); code) return NotRead("watch event", code);

  WatchEvent event;
  event.object = line;
  std::string_view type;
  if (auto code = top.find_field_unordered("type").get_string().get(type); code) {
    auto status = ReadStatus(line);
    if (!status) return NotRead("watch event: type", code);
    event.status = std::move(*status);
    return event;
  }
  const auto known = ReadType(type);
  if (!known) return tl::unexpected(known.error());
  event.type = *known;
  ondemand::object object;
  if (auto code = top.find_field_unordered("object").get_object().get(object); code)
    return NotRead("watch event: object", code);
  if (event.type != WatchEvent::Type::Error) {
    ondemand::object metadata;
    if (object.find_field_unordered("metadata").get_object().get(metadata) == simdjson::SUCCESS)
      event.resource_version = Text(metadata, "resourceVersion");
    bool has_members = false;
    if (auto code = object.reset().get(has_members); code) return NotRead("watch event: object", code);
  }
  if (auto code = object.raw_json().get(event.object); code) return NotRead("watch event: object", code);
  if (event.type == WatchEvent::Type::Error) event.status = ErrorStatus(event.object);
  return event;
}

Result<ListPage> Decoder::ReadList(std::string_view body,
                                   const std::function<void(std::string_view item)>& on_item) {
  ondemand::document document;
  ondemand::object top;
  const simdjson::padded_string_view padded(body.data(), body.size(),
                                            body.size() + simdjson::SIMDJSON_PADDING);
  // Its own parser, whose memory, several times the page's, goes with the page
  ondemand::parser parser;
  if (auto code = parser.iterate(padded).get(document); code) return NotRead("list", code);
  if (auto code = document.get_object().get(top); code) return NotRead("list", code);

  ListPage page;
  // One pass, because `items` comes before `metadata` in lists of custom resources
  for (auto field : top) {
    std::string_view key;
    if (auto code = field.unescaped_key().get(key); code) return NotRead("list", code);
    if (key == "metadata") {
      ondemand::object metadata;
      if (auto code = field.value().get_object().get(metadata); code) return NotRead("list: metadata", code);
      page.resource_version = Text(metadata, "resourceVersion");
      page.continue_token = Text(metadata, "continue");
    } else if (key == "items") {
      ondemand::array items;
      ondemand::value value;
      if (auto code = field.value().get(value); code) return NotRead("list: items", code);
      if (value.is_null()) continue;  // how Go may write an empty list
      if (auto code = value.get_array().get(items); code) return NotRead("list: items", code);
      for (auto item : items) {
        ondemand::object object;
        std::string_view text;
        if (auto code = item.get_object().get(object); code) return NotRead("list: items", code);
        if (auto code = object.raw_json().get(text); code) return NotRead("list: items", code);
        on_item(text);
      }
    }
  }
  if (page.resource_version.empty()) return Fail("list: no resourceVersion");
  return page;
}

}  // namespace imagebatch::kube
