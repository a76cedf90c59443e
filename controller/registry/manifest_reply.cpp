#include "registry/manifest_reply.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "base/text.h"
#include "registry/retry_after.h"
#include "registry/url.h"

namespace imagebatch::registry {
namespace {

using std::chrono::seconds;

constexpr size_t kReasonLimit = 512;
constexpr seconds kShortestWait(1), kLongestWait(600), kUsualWait(30);
constexpr int kOk = 200, kForbidden = 403, kNotFound = 404, kNoMethod = 405, kNotAcceptable = 406,
              kTooMany = 429, kServerErrors = 500, kNotImplemented = 501;
constexpr std::array<std::string_view, 4> kTypes = {
    "application/vnd.oci.image.index.v1+json", "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json"};

std::string DigestOf(const std::string& body, const EVP_MD* algorithm, const char* name) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  EVP_Digest(body.data(), body.size(), digest.data(), &size, algorithm, nullptr);
  std::string text = name;
  for (unsigned int i = 0; i < size; ++i) {
    text.push_back(kHex[digest[i] >> 4]);
    text.push_back(kHex[digest[i] & 15]);
  }
  return text;
}

bool IsDigest(std::string_view text, std::string_view algorithm, size_t digits) {
  if (!text.starts_with(algorithm) || text.size() != algorithm.size() + digits) return false;
  text.remove_prefix(algorithm.size());
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool IsManifestType(std::string_view header) {
  std::string type = LowerCase(header.substr(0, header.find(';')));
  while (type.ends_with(' ')) type.pop_back();
  return std::find(kTypes.begin(), kTypes.end(), type) != kTypes.end();
}

std::optional<Answer> Found(const kube::Response& reply, bool body, const std::string& who) {
  const std::string type = HeaderOf(reply, kContentType);
  if (!IsManifestType(type)) {
    return Unreachable(who + " answers with content type " + Quote(type) +
                       ", which is no image's: it may be no registry");
  }
  const std::string told = HeaderOf(reply, kDigest);
  const bool sha512 = IsDigest(told, "sha512:", 128);
  const bool usable = sha512 || IsDigest(told, "sha256:", 64);
  if (!body) return usable ? std::optional(Answer{Answer::Kind::There, told, "", {}}) : std::nullopt;
  const std::string computed =
      sha512 ? DigestOf(reply.body, EVP_sha512(), "sha512:") : DigestOf(reply.body, EVP_sha256(), "sha256:");
  if (usable && told != computed) return Unreachable(who + " sends a manifest that its digest does not fit");
  return Answer{Answer::Kind::There, computed, "", {}};
}

}  // namespace

const char* const kManifestTypes =
    "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, "
    "application/vnd.docker.distribution.manifest.list.v2+json, "
    "application/vnd.docker.distribution.manifest.v2+json";

std::string HeaderOf(const kube::Response& reply, const char* name) {
  const auto at = reply.headers.find(name);
  return at == reply.headers.end() ? std::string() : at->second;
}

Answer Unreachable(const std::string& reason) {
  return {Answer::Kind::Unreachable, "", Printable(reason, kReasonLimit), {}};
}
Answer Denied(const std::string& reason) {
  return {Answer::Kind::Denied, "", Printable(reason, kReasonLimit), {}};
}

std::optional<Answer> Trouble(const kube::Response& reply, const std::string& who, Time now) {
  const auto told = ParseRetryAfter(HeaderOf(reply, kRetryAfter), now);
  if (reply.status == kTooMany || (reply.status >= kServerErrors && told)) {
    const seconds wait = std::clamp(told.value_or(kUsualWait), kShortestWait, kLongestWait);
    return Answer{Answer::Kind::Throttled, "",
                  Printable(who + " answers " + std::to_string(reply.status) +
                                ": too many requests; asked again in " + std::to_string(wait.count()) + " s",
                            kReasonLimit),
                  wait};
  }
  if (reply.status >= kServerErrors) return Unreachable(who + " answers " + std::to_string(reply.status));
  return std::nullopt;
}

std::optional<Answer> ReadManifest(const kube::Response& reply, kube::Method method, const std::string& who,
                                   Time now) {
  const bool head = method == kube::Method::Head;
  switch (reply.status) {
    case kOk:
      return Found(reply, !head, who);
    case kNotFound:
      return Answer{Answer::Kind::NotThere, "", "", {}};
    case kForbidden:
      return Denied(who + " answers 403: the login that the controller has for it may not pull there");
    case kNoMethod:
    case kNotAcceptable:
    case kNotImplemented:
      if (head) return std::nullopt;
      break;
    default:
      break;
  }
  if (auto trouble = Trouble(reply, who, now)) return trouble;
  return Unreachable(who + " answers " + std::to_string(reply.status));
}

}  // namespace imagebatch::registry
