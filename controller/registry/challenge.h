#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace imagebatch::registry {

/// One way to authenticate that a header WWW-Authenticate offers (RFC 9110, section 11.6.1).
struct Challenge {
  std::string scheme;                             // in lower case: "bearer", "basic"
  std::map<std::string, std::string> parameters;  // by name in lower case
};

/// All of them, in their order; what is not well-formed, and all behind it, is left out.
std::vector<Challenge> ParseChallenges(std::string_view header);

/// The one to meet: Bearer with a realm before Basic, as the registries' own clients choose.
std::optional<Challenge> ChooseChallenge(std::string_view header);

}  // namespace imagebatch::registry
