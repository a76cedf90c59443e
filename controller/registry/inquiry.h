#pragma once
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "base/result.h"
#include "base/time.h"
#include "kube/transport.h"
#include "registry/answer.h"
#include "registry/challenge.h"
#include "registry/credentials.h"
#include "registry/hosts.h"
#include "registry/image_place.h"
#include "registry/url.h"

namespace imagebatch::registry {

/// Who may be asked, and with which logins.
struct Access {
  Hosts hosts;
  Credentials credentials;
};

/// What a registry accepts, for what is asked next about the same repository.
struct Grant {
  std::string authorization;  // the header
  Time until{};
};

/// One question from its first request to its answer: whether an image exists. Pure: the caller sends what it
/// is given and brings the reply. At most eight requests: HEAD, a token where one is wanted, redirects, and
/// GET where HEAD does not do.
///
/// A login goes to the registry that it is for, and to a token server on the same host or on one that
/// Access::hosts names; never to where a redirect leads. Nothing is sent to any other host.
class Inquiry {
 public:
  /// `grant`: of an earlier one about the same repository; an empty one where there is none.
  Inquiry(ImagePlace place, std::shared_ptr<const Access> access, Grant grant);

  struct Send {
    Url url;  // whose server it is for
    kube::Request request;
  };
  using Move = std::variant<Send, Answer>;

  Move Begin(Time now);
  /// The reply to what was last given.
  Move Take(const Result<kube::Response>& reply, Time now);

  /// After an answer: what it has learned of authorization.
  const Grant& grant() const { return grant_; }

 private:
  Move AskManifest();
  Move AskToken(const Challenge& challenge);
  Move TakeManifest(const kube::Response& reply, Time now);
  Move TakeToken(const kube::Response& reply, Time now);
  Move Authenticate(const kube::Response& reply, Time now);
  Move Follow(const kube::Response& reply);
  std::string Problem(const Url& url) const;
  std::string Who() const { return url_.host + " (asked for " + place_.repository + ")"; }

  const ImagePlace place_;
  const std::shared_ptr<const Access> access_;
  Grant grant_;
  Url registry_;  // where the manifest is by its name
  Url url_;       // what was asked last
  kube::Method method_ = kube::Method::Head;
  bool for_token_ = false;      // that was a token
  bool authenticated_ = false;  // a challenge has been met
  int redirects_ = 0;
};

}  // namespace imagebatch::registry
