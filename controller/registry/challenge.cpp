#include "registry/challenge.h"

#include <algorithm>

#include "registry/url.h"

namespace imagebatch::registry {
namespace {

bool IsTokenCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

void SkipSpaces(std::string_view& text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
}

std::string TakeToken(std::string_view& text) {
  const size_t size =
      static_cast<size_t>(std::find_if_not(text.begin(), text.end(), IsTokenCharacter) - text.begin());
  std::string token(text.substr(0, size));
  text.remove_prefix(size);
  return token;
}

std::optional<std::string> TakeValue(std::string_view& text) {
  if (!text.starts_with('"')) {
    std::string token = TakeToken(text);
    return token.empty() ? std::nullopt : std::optional(std::move(token));
  }
  std::string value;
  for (size_t at = 1; at < text.size(); ++at) {
    if (text[at] == '"') {
      text.remove_prefix(at + 1);
      return value;
    }
    if (text[at] == '\\' && at + 1 < text.size()) ++at;
    value.push_back(text[at]);
  }
  return std::nullopt;
}

}  // namespace

std::vector<Challenge> ParseChallenges(std::string_view text) {
  constexpr size_t kMostParameters = 32;
  std::vector<Challenge> challenges;
  while (true) {
    while (!text.empty() && (text.front() == ',' || text.front() == ' ' || text.front() == '\t'))
      text.remove_prefix(1);
    std::string name = LowerCase(TakeToken(text));
    if (name.empty()) return challenges;
    SkipSpaces(text);
    if (!text.starts_with('=')) {  // a scheme, not a parameter
      challenges.push_back({std::move(name), {}});
      continue;
    }
    text.remove_prefix(1);
    SkipSpaces(text);
    auto value = TakeValue(text);
    if (!value || challenges.empty() || challenges.back().parameters.size() == kMostParameters)
      return challenges;
    challenges.back().parameters.emplace(std::move(name), std::move(*value));
  }
}

std::optional<Challenge> ChooseChallenge(std::string_view header) {
  const std::vector<Challenge> challenges = ParseChallenges(header);
  for (const char* const scheme : {"bearer", "basic"}) {
    for (const Challenge& challenge : challenges) {
      if (challenge.scheme == scheme &&
          (challenge.scheme == "basic" || challenge.parameters.contains("realm")))
        return challenge;
    }
  }
  return std::nullopt;
}

}  // namespace imagebatch::registry
