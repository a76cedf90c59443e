#pragma once
#include <optional>
#include <string>

#include "base/time.h"
#include "kube/transport.h"
#include "registry/answer.h"

namespace imagebatch::registry {

/// What a manifest may be, for the header Accept: an image or an index of images, of the OCI or of Docker.
extern const char* const kManifestTypes;

/// The headers of a reply that are looked at.
inline constexpr const char* kContentType = "content-type";
inline constexpr const char* kDigest = "docker-content-digest";
inline constexpr const char* kRetryAfter = "retry-after";
inline constexpr const char* kAuthenticate = "www-authenticate";
inline constexpr const char* kLocation = "location";

std::string HeaderOf(const kube::Response& reply, const char* name);

/// What a server's reply means that has no word about a manifest: 429 and every 5xx; nothing for others.
/// `who`: the server, for the reason.
std::optional<Answer> Trouble(const kube::Response& reply, const std::string& who, Time now);

/// What a reply to a request for a manifest means, but for 401 and redirects, which ask for more. Nothing: a
/// HEAD does not tell, and GET is to be tried. A digest is taken from the header, which must be right for a
/// body that came, or computed from the body. A 200 of another content type is no registry's.
std::optional<Answer> ReadManifest(const kube::Response& reply, kube::Method method, const std::string& who,
                                   Time now);

Answer Unreachable(const std::string& reason);
Answer Denied(const std::string& reason);

}  // namespace imagebatch::registry
