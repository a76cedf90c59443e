#pragma once
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "kube/status.h"

namespace imagebatch::kube {

/// One line of a watch.
struct WatchEvent {
  enum class Type { Added, Modified, Deleted, Bookmark, Error } type = Type::Error;
  std::string_view object;       // its JSON, within the line
  std::string resource_version;  // empty where the object has none
  Status status;                 // of an Error
};

/// The metadata of one page of a list.
struct ListPage {
  std::string resource_version;
  std::string continue_token;  // empty: the last page
};

/// Finds what the watch protocol itself needs in lists and watch lines, and leaves each object as it came.
/// Every text passed in must have SIMDJSON_PADDING readable bytes after it. Not thread-safe.
class Decoder {
 public:
  Decoder();
  ~Decoder();

  /// A line of a watch. A bare Status object, as some servers send in place of a stream, is an Error event.
  Result<WatchEvent> ReadEvent(std::string_view line);
  /// A list; calls `on_item` with the text of each item as it comes.
  Result<ListPage> ReadList(std::string_view body, const std::function<void(std::string_view item)>& on_item);

 private:
  struct Parser;
  std::unique_ptr<Parser> parser_;
};

}  // namespace imagebatch::kube
