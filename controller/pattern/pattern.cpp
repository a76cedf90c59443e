#include "pattern/pattern.h"

#include <re2/re2.h>

#include <utility>

namespace imagebatch {
namespace {

/// For the expression and all that is built from it while it matches. RE2 makes do with less where a text
/// would need more: it is slower then, and finds the same.
constexpr int64_t kMemoryBytes = int64_t{256} * 1024;

}  // namespace

Pattern::Pattern(std::shared_ptr<const re2::RE2> expression) : expression_(std::move(expression)) {}

Result<Pattern> Pattern::Compile(std::string_view text) {
  if (text.empty()) return Fail("the pattern is empty");
  if (text.size() > kMostBytes)
    return Fail("the pattern has " + std::to_string(text.size()) + " bytes; the limit is " +
                std::to_string(kMostBytes));
  RE2::Options options;
  options.set_max_mem(kMemoryBytes);
  options.set_log_errors(false);
  options.set_never_capture(true);
  auto expression = std::make_shared<const RE2>(re2::StringPiece(text.data(), text.size()), options);
  if (expression->ok()) return Pattern(std::move(expression));
  std::string message = expression->error();
  if (!expression->error_arg().empty() && expression->error_code() != RE2::ErrorPatternTooLarge)
    message += " at `" + expression->error_arg() + "`";
  return Fail(std::move(message));
}

bool Pattern::IsIn(std::string_view line) const {
  return RE2::PartialMatch(re2::StringPiece(line.data(), line.size()), *expression_);
}

const std::string& Pattern::text() const { return expression_->pattern(); }

}  // namespace imagebatch
