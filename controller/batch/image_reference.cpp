#include "batch/image_reference.h"

#include <algorithm>

#include "base/text.h"
#include "batch/problems.h"

namespace imagebatch::batch {
namespace {

constexpr size_t kMaxName = 255;
constexpr size_t kMaxTag = 128;

bool Lower(char c) { return c >= 'a' && c <= 'z'; }
bool Upper(char c) { return c >= 'A' && c <= 'Z'; }
bool Digit(char c) { return c >= '0' && c <= '9'; }
bool LowerOrDigit(char c) { return Lower(c) || Digit(c); }
bool Alphanumeric(char c) { return LowerOrDigit(c) || Upper(c); }
bool Word(char c) { return Alphanumeric(c) || c == '_'; }

std::string TagProblem(std::string_view tag) {
  if (tag.empty()) return "tag is empty";
  if (tag.size() > kMaxTag) {
    return "tag is " + std::to_string(tag.size()) + " characters, at most " + std::to_string(kMaxTag);
  }
  if (!Word(tag.front())) return "tag " + Quote(tag) + " must begin with a letter, a digit or _";
  const auto allowed = [](char c) { return Word(c) || c == '.' || c == '-'; };
  if (!std::all_of(tag.begin(), tag.end(), allowed)) {
    return "tag " + Quote(tag) + " may contain only letters, digits, _ . -";
  }
  return "";
}

/// [a-z0-9]+ with `.`, `_`, `__` or any number of `-` between.
bool IsPathComponent(std::string_view part) {
  size_t i = 0;
  while (true) {
    const size_t start = i;
    while (i < part.size() && LowerOrDigit(part[i])) ++i;
    if (i == start) return false;
    if (i == part.size()) return true;
    const char separator = part[i];
    const size_t at = i;
    while (i < part.size() && part[i] == separator) ++i;
    const size_t run = i - at;
    if (separator != '-' && !(separator == '_' && run <= 2) && !(separator == '.' && run == 1)) return false;
  }
}

bool IsDomainLabel(std::string_view label) {
  return !label.empty() && label.front() != '-' && label.back() != '-' &&
         std::all_of(label.begin(), label.end(), [](char c) { return Alphanumeric(c) || c == '-'; });
}

bool IsHost(std::string_view host) {
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {  // an IPv6 address
    const std::string_view address = host.substr(1, host.size() - 2);
    return std::all_of(address.begin(), address.end(), [](char c) {
      return Digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == ':';
    });
  }
  while (true) {
    const size_t dot = host.find('.');
    if (!IsDomainLabel(host.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    host.remove_prefix(dot + 1);
  }
}

bool IsDomain(std::string_view domain) {
  const size_t bracket = domain.rfind(']');
  const size_t colon = domain.find(':', bracket == std::string_view::npos ? 0 : bracket);
  if (colon == std::string_view::npos) return IsHost(domain);
  const std::string_view port = domain.substr(colon + 1);
  return IsHost(domain.substr(0, colon)) && !port.empty() && std::all_of(port.begin(), port.end(), Digit);
}

/// The first component is a domain where it cannot be part of a path: the rule of splitDockerDomain.
bool LooksLikeDomain(std::string_view first) {
  return first == "localhost" || first.find_first_of(".:[") != std::string_view::npos ||
         std::any_of(first.begin(), first.end(), Upper);
}

std::string NameProblem(std::string_view name) {
  if (name.empty()) return "has no repository before the tag";
  if (name.size() > kMaxName) {
    return "name is " + std::to_string(name.size()) + " characters, at most " + std::to_string(kMaxName);
  }
  std::string_view path = name;
  const size_t slash = name.find('/');
  if (slash != std::string_view::npos && LooksLikeDomain(name.substr(0, slash))) {
    const std::string_view domain = name.substr(0, slash);
    if (!IsDomain(domain)) return Quote(domain) + " is not a valid registry host[:port]";
    path = name.substr(slash + 1);
  }
  if (std::any_of(path.begin(), path.end(), Upper)) {
    return "path " + Quote(path) + " has upper-case letters, only lower case is allowed";
  }
  while (true) {
    const size_t end = path.find('/');
    const std::string_view part = path.substr(0, end);
    if (part.empty()) return "path has an empty component";
    if (!IsPathComponent(part)) {
      return "path component " + Quote(part) +
             " must be lower-case letters and digits, with single . or _, __ or - between them";
    }
    if (end == std::string_view::npos) return "";
    path.remove_prefix(end + 1);
  }
}

}  // namespace

std::string ImageReferenceProblem(std::string_view reference) {
  if (reference.empty()) return "is empty";
  if (reference.find("://") != std::string_view::npos) return "is a URL; leave out the scheme";
  if (reference.find('@') != std::string_view::npos) {
    return "has a digest; an image to push is named by a tag";
  }
  const size_t colon = reference.rfind(':');
  const size_t slash = reference.rfind('/');
  const bool has_tag = colon != std::string_view::npos && (slash == std::string_view::npos || colon > slash);
  if (!has_tag) {
    const std::string problem = NameProblem(reference);
    return problem.empty() ? "has no tag; add one, such as :$(name)" : problem;
  }
  const std::string problem = NameProblem(reference.substr(0, colon));
  return problem.empty() ? TagProblem(reference.substr(colon + 1)) : problem;
}

}  // namespace imagebatch::batch
