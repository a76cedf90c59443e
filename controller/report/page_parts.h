#pragma once
#include <string_view>

/// page.css and page.js, as CMakeLists.txt puts them into page_parts.cpp.
namespace imagebatch::report::page_parts {

extern const std::string_view kStyle, kStyleSha256;  // the SHA-256 in lower-case hexadecimal
extern const std::string_view kScript, kScriptSha256;

}  // namespace imagebatch::report::page_parts
