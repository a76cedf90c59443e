#pragma once
#include <chrono>
#include <optional>
#include <string>

namespace imagebatch::registry {

struct Token {
  std::string text;                   // fit for a header
  std::chrono::seconds lifetime{60};  // as from now
};

/// What a token server's 200 brings (distribution's token authentication: "token" or "access_token",
/// "expires_in"); nothing where that is no token.
std::optional<Token> ParseToken(const std::string& body);

}  // namespace imagebatch::registry
