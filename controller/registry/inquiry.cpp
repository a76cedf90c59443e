#include "registry/inquiry.h"

#include <utility>

#include "base/base64.h"
#include "base/percent_encode.h"
#include "base/text.h"
#include "registry/manifest_reply.h"
#include "registry/token_reply.h"

namespace imagebatch::registry {
namespace {

using kube::Method;

constexpr size_t kHeadBytes = 64 << 10;
constexpr size_t kManifestBytes = 4 << 20;  // what the specification has every registry take
constexpr size_t kTokenBytes = 64 << 10;
constexpr int kMostRedirects = 3;
constexpr int kUnauthorized = 401, kForbidden = 403, kOk = 200;
/// A token is not used for the last seconds of its life: the clocks may differ.
constexpr std::chrono::seconds kMargin(15);
constexpr std::chrono::minutes kLoginLasts(5);

bool IsRedirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

std::string Basic(const Login& login) { return "Basic " + EncodeBase64(login.user + ":" + login.password); }

}  // namespace

Inquiry::Inquiry(ImagePlace place, std::shared_ptr<const Access> access, Grant grant)
    : place_(std::move(place)), access_(std::move(access)), grant_(std::move(grant)) {}

/// Why nothing may be sent there; empty where it may.
std::string Inquiry::Problem(const Url& url) const {
  const bool own = url.host == registry_.host;
  const std::string host = Quote(url.host);
  if (IsForbidden(url.host)) return host + " is link-local, or a cloud's metadata server";
  if (url.plain && !access_->hosts.Plain(url.host))
    return host + " is to be asked in plain HTTP, which must be allowed by http://" + url.host +
           " in registries";
  const bool hub = place_.registry == "docker.io" && url.host == "auth.docker.io";
  const bool known =
      own && (access_->hosts.Has(place_.registry) || access_->credentials.Know(place_.registry));
  if (known || hub || access_->hosts.Has(url.host)) return "";
  return host + " may not be asked: name it in registries" + (own ? ", or give a login for it" : "");
}

Inquiry::Move Inquiry::Begin(Time now) {
  const auto registry =
      ParseUrl("https://" + place_.Server() + "/v2/" + place_.repository + "/manifests/" + place_.tag);
  if (!registry) return Denied("registry " + Quote(place_.registry) + " is not a valid host");
  registry_ = *registry;
  registry_.plain = access_->hosts.Plain(registry_.host);
  if (const std::string problem = Problem(registry_); !problem.empty()) return Denied("registry " + problem);
  if (grant_.until <= now) grant_ = {};
  url_ = registry_;
  return AskManifest();
}

Inquiry::Move Inquiry::AskManifest() {
  for_token_ = false;
  Send send{url_, {}};
  send.request.method = method_;
  send.request.path = url_.path;
  send.request.accept = kManifestTypes;
  if (url_.SameServer(registry_)) send.request.authorization = grant_.authorization;
  send.request.most_bytes = method_ == Method::Head ? kHeadBytes : kManifestBytes;
  send.request.reads_headers = {kContentType, kDigest, kRetryAfter, kAuthenticate, kLocation};
  return send;
}

Inquiry::Move Inquiry::Take(const Result<kube::Response>& reply, Time now) {
  if (!reply) return Unreachable(url_.host + " does not answer: " + reply.error().message);
  return for_token_ ? TakeToken(*reply, now) : TakeManifest(*reply, now);
}

Inquiry::Move Inquiry::TakeManifest(const kube::Response& reply, Time now) {
  if (reply.status == kUnauthorized) return Authenticate(reply, now);
  if (IsRedirect(reply.status)) return Follow(reply);
  if (const auto answer = ReadManifest(reply, method_, Who(), now)) return *answer;
  method_ = Method::Get;
  return AskManifest();
}

Inquiry::Move Inquiry::Follow(const kube::Response& reply) {
  const auto to = ResolveUrl(url_, HeaderOf(reply, kLocation));
  if (!to) return Unreachable(Who() + " redirects to what is no URL");
  if (++redirects_ > kMostRedirects) return Unreachable(Who() + " redirects again and again");
  if (const std::string problem = Problem(*to); !problem.empty())
    return Denied(Who() + " redirects to a host that " + "is not followed: " + problem);
  url_ = *to;
  return AskManifest();
}

Inquiry::Move Inquiry::Authenticate(const kube::Response& reply, Time now) {
  if (!url_.SameServer(registry_))
    return Denied(Who() + ", a host that the registry redirects to, wants a login");
  const auto login = access_->credentials.Find(place_.registry, place_.repository);
  if (authenticated_) {
    grant_ = {};
    return Denied(Who() + " answers 401: " +
                  (login ? "the login that the controller has for it is not accepted"
                         : "the controller has no login for it"));
  }
  authenticated_ = true;
  grant_ = {};
  const auto challenge = ChooseChallenge(HeaderOf(reply, kAuthenticate));
  if (!challenge) return Denied(Who() + " answers 401, and wants a kind of login that is not supported");
  if (challenge->scheme == "bearer") return AskToken(*challenge);
  if (!login) return Denied(Who() + " answers 401: the controller has no login for it");
  grant_ = {Basic(*login), now + kLoginLasts};
  return AskManifest();
}

Inquiry::Move Inquiry::AskToken(const Challenge& challenge) {
  auto realm = ParseUrl(challenge.parameters.at("realm"));
  if (!realm) return Denied(Who() + " names a token server that is no URL");
  if (const std::string problem = Problem(*realm); !problem.empty())
    return Denied(Who() + " names a token server that is not asked: " + problem);
  realm->path += realm->path.find('?') == std::string::npos ? '?' : '&';
  if (const auto service = challenge.parameters.find("service"); service != challenge.parameters.end())
    realm->path += "service=" + PercentEncode(service->second) + "&";
  realm->path += "scope=" + PercentEncode("repository:" + place_.repository + ":pull");
  for_token_ = true;
  url_ = *realm;
  Send send{url_, {}};
  send.request.path = url_.path;
  send.request.most_bytes = kTokenBytes;
  send.request.reads_headers = {kRetryAfter};
  if (const auto login = access_->credentials.Find(place_.registry, place_.repository))
    send.request.authorization = Basic(*login);
  return send;
}

Inquiry::Move Inquiry::TakeToken(const kube::Response& reply, Time now) {
  const std::string who = "token server " + Who();
  if (reply.status == kUnauthorized || reply.status == kForbidden) {
    return Denied(who + " answers " + std::to_string(reply.status) +
                  ": the login that the controller has is not accepted, or it has none");
  }
  if (const auto trouble = Trouble(reply, who, now)) return *trouble;
  if (reply.status != kOk) return Unreachable(who + " answers " + std::to_string(reply.status));
  const auto token = ParseToken(reply.body);
  if (!token) return Unreachable(who + " answers with what is no token");
  grant_ = {"Bearer " + token->text, now + token->lifetime - kMargin};
  url_ = registry_;
  return AskManifest();
}

}  // namespace imagebatch::registry
