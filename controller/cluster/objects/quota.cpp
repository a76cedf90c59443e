#include "cluster/objects/quota.h"

#include <array>
#include <charconv>
#include <cmath>
#include <map>

namespace imagebatch::cluster {
namespace {

struct Suffix {
  std::string_view text;
  double factor;
};
constexpr std::array<Suffix, 16> kSuffixes = {{{"", 1},
                                               {"n", 1e-9},
                                               {"u", 1e-6},
                                               {"m", 1e-3},
                                               {"k", 1e3},
                                               {"M", 1e6},
                                               {"G", 1e9},
                                               {"T", 1e12},
                                               {"P", 1e15},
                                               {"E", 1e18},
                                               {"Ki", 0x1p10},
                                               {"Mi", 0x1p20},
                                               {"Gi", 0x1p30},
                                               {"Ti", 0x1p40},
                                               {"Pi", 0x1p50},
                                               {"Ei", 0x1p60}}};

/// The amounts in "cpu=2,memory=1Gi"; of a list that is cut those that are whole.
std::map<std::string_view, double> ReadAmounts(std::string_view list) {
  std::map<std::string_view, double> amounts;
  while (!list.empty()) {
    const size_t comma = std::min(list.find(','), list.size());
    const std::string_view one = list.substr(0, comma);
    const size_t equals = one.find('=');
    if (equals != std::string_view::npos) {
      if (const auto amount = ReadQuantity(one.substr(equals + 1))) amounts[one.substr(0, equals)] = *amount;
    }
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return amounts;
}

/// The list behind `key`, which ends at a space or at the end. The quotas that refuse are listed one after
/// another; the first speaks.
std::map<std::string_view, double> AmountsBehind(std::string_view message, std::string_view key) {
  const size_t at = message.find(key);
  if (at == std::string_view::npos) return {};
  message.remove_prefix(at + key.size());
  return ReadAmounts(message.substr(0, message.find_first_of(" ;")));
}

}  // namespace

std::optional<double> ReadQuantity(std::string_view text) {
  double number = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), number);
  if (end.ec != std::errc() || !std::isfinite(number)) return std::nullopt;
  const std::string_view suffix = text.substr(static_cast<size_t>(end.ptr - text.data()));
  for (const Suffix& one : kSuffixes) {
    if (one.text == suffix) return number * one.factor;
  }
  return std::nullopt;
}

bool IsHeldByQuota(std::string_view message) {
  if (message.find("exceeded quota:") == std::string_view::npos) return false;
  const auto requested = AmountsBehind(message, "requested: ");
  const auto limited = AmountsBehind(message, "limited: ");
  for (const auto& [name, amount] : requested) {
    const auto limit = limited.find(name);
    if (limit != limited.end() && amount > limit->second) return false;
  }
  return true;
}

}  // namespace imagebatch::cluster
