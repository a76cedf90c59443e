#include "registry/hosts.h"

#include <gmock/gmock.h>

namespace imagebatch::registry {
namespace {

TEST(Hosts, AreListedWithOrWithoutTheirScheme) {
  Hosts hosts;
  for (const char* entry : {"registry.example", "https://Auth.Example:443", "http://registry.ci:5000"})
    ASSERT_TRUE(hosts.Add(entry)) << entry;
  EXPECT_TRUE(hosts.Has("registry.example"));
  EXPECT_FALSE(hosts.Plain("registry.example"));
  EXPECT_TRUE(hosts.Has("auth.example"));
  EXPECT_TRUE(hosts.Has("registry.ci:5000"));
  EXPECT_TRUE(hosts.Plain("registry.ci:5000"));
  EXPECT_FALSE(hosts.Has("registry.ci"));
  EXPECT_FALSE(hosts.Plain("other"));
}

TEST(Hosts, RefuseWhatIsNone) {
  Hosts hosts;
  for (const char* entry : {"", "*", "a b", "ftp://x", "registry.example/path", "user@host", "host:99999"})
    EXPECT_FALSE(hosts.Add(entry)) << entry;
}

// All notations that the C library takes for an address
TEST(Hosts, OfTheCloudsMetadataAreRefused) {
  Hosts hosts;
  for (const char* entry :
       {"169.254.169.254", "http://169.254.169.254:80", "169.254.0.1:5000", "2852039166", "0xa9fea9fe",
        "0251.0376.0251.0376", "169.16689662", "[fe80::1]", "[::ffff:169.254.169.254]", "[::169.254.169.254]",
        "[64:ff9b::169.254.169.254]", "[fd00:ec2::254]", "metadata.google.internal",
        "METADATA.google.internal.", "100.100.100.200", "192.0.0.192", "metadata"}) {
    EXPECT_FALSE(hosts.Add(entry)) << entry;
    const std::string text = entry;
    EXPECT_TRUE(IsForbidden(text.starts_with("http://") ? text.substr(7) : text)) << entry;
  }
  for (const char* host :
       {"169.253.1.1", "10.0.0.1:5000", "registry.example", "[::1]:5000", "metadata.example"})
    EXPECT_FALSE(IsForbidden(host)) << host;
}

}  // namespace
}  // namespace imagebatch::registry
