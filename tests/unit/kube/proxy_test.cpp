#include "kube/config/proxy.h"

#include <gmock/gmock.h>

namespace imagebatch::kube {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

/// The proxy on the way to a server that NO_PROXY is about.
std::string Proxy(const std::string& server, const std::string& none) {
  return ProxyFor(server, {"http://secure", "http://plain", none});
}

TEST(ProxyFor, DependsOnTheSchemeOfTheServer) {
  EXPECT_EQ(Proxy("https://api.example:6443", ""), "http://secure");
  EXPECT_EQ(Proxy("http://api.example", ""), "http://plain");
}

TEST(ProxyFor, IsNoneOnTheWayToThisMachine) {
  EXPECT_EQ(Proxy("https://localhost:6443", ""), "");
  EXPECT_EQ(Proxy("https://127.0.0.5:6443/prefix", ""), "");
  EXPECT_EQ(Proxy("https://128.0.0.1", ""), "http://secure");
}

TEST(ProxyFor, IsNoneForWhatNoProxyNames) {
  const std::string server = "https://api.k8s.example:6443";
  for (const char* none : {"*", "api.k8s.example", "k8s.example", ".k8s.example", "*.k8s.example", "example",
                           " other , API.k8s.example ", "api.k8s.example:6443", ".example:6443"})
    EXPECT_EQ(Proxy(server, none), "") << none;
  for (const char* none :
       {"", ",", "s.example", "api", ".api.k8s.example", "k8s.example:443", "10.0.0.0/8", "."})
    EXPECT_EQ(Proxy(server, none), "http://secure") << none;
  EXPECT_EQ(Proxy("https://api.example", "example:443"), "") << "the port of https";
}

TEST(ProxyFor, KnowsAddressesAndNetworks) {
  const std::string server = "https://10.96.0.1:443";
  for (const char* none : {"10.96.0.1", "10.96.0.0/12", "0.0.0.0/0", "10.96.0.1/32", ".0.1"})
    EXPECT_EQ(Proxy(server, none), "") << none;
  for (const char* none : {"10.97.0.0/16", "6.0.1", "10.96.0.0/33", "10.96.0.0/x", "10.96.0.2/32"})
    EXPECT_EQ(Proxy(server, none), "http://secure") << none;
}

TEST(CheckProxy, TakesHttpAlone) {
  EXPECT_EQ(CheckProxy("").value(), "");
  EXPECT_EQ(CheckProxy("proxy:3128").value(), "http://proxy:3128");
  EXPECT_EQ(CheckProxy("http://user:password@proxy:3128").value(), "http://user:password@proxy:3128");
  for (const char* proxy : {"https://user:hunter2@proxy", "socks5://proxy"}) {
    const auto checked = CheckProxy(proxy);
    ASSERT_FALSE(checked);
    EXPECT_THAT(checked.error().message, AllOf(HasSubstr("only http:// proxies"), Not(HasSubstr("hunter2"))));
  }
  EXPECT_THAT(CheckProxy("http://:3128").error().message, HasSubstr("no host"));
  EXPECT_THAT(CheckProxy("http://[::1]:3128").error().message, HasSubstr("IPv6"));
}

}  // namespace
}  // namespace imagebatch::kube
