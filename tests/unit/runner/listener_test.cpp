#include "runner/listener.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace imagebatch::runner {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

std::string Answer(std::string_view text, bool hung, const std::string& state) {
  ProgressRequest request;
  EXPECT_TRUE(request.Add(text)) << text;
  return request.Answer(hung, state);
}

constexpr const char* kState = "{\"verdict\":\"Hung\"}\n";

TEST(Answer, SaysTheVerdictByItsStatus) {
  const std::string fine = Answer("GET /progress HTTP/1.1\r\nHost: x\r\n\r\n", false, kState);
  EXPECT_THAT(fine, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(fine, HasSubstr("Content-Length: 19\r\n"));
  EXPECT_THAT(fine, HasSubstr("Connection: close\r\n\r\n{\"verdict\":\"Hung\"}\n"));
  EXPECT_THAT(Answer("GET /progress HTTP/1.0\r\n\r\n", true, kState), StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(Answer("GET /progress?x=1 HTTP/1.1\n\n", true, kState), StartsWith("HTTP/1.1 503 "));
}

TEST(Answer, RefusesTheRest) {
  EXPECT_THAT(Answer("GET / HTTP/1.1\r\n\r\n", false, kState), StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(Answer("GET /progress/ HTTP/1.1\r\n\r\n", false, kState), StartsWith("HTTP/1.1 404 "));
  const std::string post = Answer("POST /progress HTTP/1.1\r\n\r\n", false, kState);
  EXPECT_THAT(post, StartsWith("HTTP/1.1 405 "));
  EXPECT_THAT(post, HasSubstr("Allow: GET\r\n"));
  for (const char* garbage :
       {"\r\n\r\n", "GET\r\n\r\n", "GET /progress\r\n\r\n", "\x16\x03\x01\n\n", "  \n\n"}) {
    EXPECT_THAT(Answer(garbage, false, kState), StartsWith("HTTP/1.1 400 ")) << garbage;
  }
}

TEST(ProgressRequest, IsTheSameHoweverItIsSplit) {
  const std::string text = "GET /progress HTTP/1.1\r\nHost: x\r\n\r\n";
  for (size_t cut = 0; cut < text.size(); ++cut) {
    ProgressRequest request;
    EXPECT_FALSE(request.Add(std::string_view(text).substr(0, cut)));
    EXPECT_TRUE(request.Add(std::string_view(text).substr(cut)));
    EXPECT_THAT(request.Answer(false, kState), StartsWith("HTTP/1.1 200 "));
  }
}

TEST(ProgressRequest, ThatIsTooLargeIsRefusedAtTheSameByte) {
  const std::string head = "GET /progress HTTP/1.1\r\nX: ";
  const auto of_size = [&head](size_t size) {
    return head + std::string(size - head.size() - 4, 'x') + "\r\n\r\n";
  };
  EXPECT_THAT(Answer(of_size(ProgressRequest::kMostBytes), false, kState), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(Answer(of_size(ProgressRequest::kMostBytes + 1), false, kState), StartsWith("HTTP/1.1 431 "));
  ProgressRequest slow;
  bool answered = false;
  const std::string large = of_size(ProgressRequest::kMostBytes + 1);
  for (size_t at = 0; at < large.size() && !answered; ++at) answered = slow.Add(large.substr(at, 1));
  ASSERT_TRUE(answered);
  EXPECT_THAT(slow.Answer(false, kState), StartsWith("HTTP/1.1 431 "));
}

TEST(Listener, RefusesWhatIsNoAddress) {
  for (const char* address :
       {"", "9911", ":0", ":70000", ":x", "localhost:9911", "1.2.3:80", "::1:80", "[::1]", "[]:80"}) {
    Listener listener;
    EXPECT_THAT(listener.Open(address), HasSubstr("not an address")) << address;
  }
}

TEST(Listener, SaysWhyItCannotListen) {
  Listener listener;
  EXPECT_THAT(listener.Open("203.0.113.1:9911"), HasSubstr("cannot listen on 203.0.113.1:9911: "));
}

}  // namespace
}  // namespace imagebatch::runner
