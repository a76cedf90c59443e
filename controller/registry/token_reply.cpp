#include "registry/token_reply.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.h"

namespace imagebatch::registry {

std::optional<Token> ParseToken(const std::string& body) {
  using nlohmann::json;
  constexpr size_t kLongest = 32 << 10, kMostLevels = 16;
  constexpr int64_t kLongestLife = 3600;
  if (NestedDeeper(body, kMostLevels)) return std::nullopt;
  const json reply = json::parse(body, nullptr, /*allow_exceptions=*/false);
  if (!reply.is_object()) return std::nullopt;
  Token token;
  for (const char* const name : {"token", "access_token"}) {
    const auto at = reply.find(name);
    if (token.text.empty() && at != reply.end() && at->is_string()) token.text = at->get<std::string>();
  }
  const bool fits =
      std::all_of(token.text.begin(), token.text.end(), [](char c) { return c > ' ' && c <= '~'; });
  if (token.text.empty() || token.text.size() > kLongest || !fits) return std::nullopt;
  const auto life = reply.find("expires_in");
  if (life != reply.end() && life->is_number_unsigned())
    token.lifetime =
        std::chrono::seconds(static_cast<int64_t>(std::min<uint64_t>(life->get<uint64_t>(), kLongestLife)));
  return token;
}

}  // namespace imagebatch::registry
