#include "base/text.h"
#include "batch/read.h"
#include "document/source_text.h"

namespace imagebatch::batch {

using nlohmann::json;

std::optional<json> ReadStored(std::string_view text) {
  json object = json::parse(text, nullptr, /*allow_exceptions=*/false);  // makes no frames for levels
  if (!object.is_object() || !object.contains("metadata")) return std::nullopt;
  if (!NestedDeeper(text, document::kMaxDepth)) return object;
  object["spec"] = kTooDeep;
  // The managed fields repeat the nesting; the rest of the metadata and the status have schemas of their own
  if (object["metadata"].is_object()) object["metadata"].erase("managedFields");
  return object;
}

}  // namespace imagebatch::batch
