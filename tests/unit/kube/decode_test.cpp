#include "kube/decode.h"

#include <gmock/gmock.h>
#include <simdjson.h>

#include <vector>

#include "support/held_bytes.h"

namespace imagebatch::kube {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Type = WatchEvent::Type;

class DecoderTest : public ::testing::Test {
 protected:
  Result<WatchEvent> Event(std::string_view text) {
    padded_ = simdjson::padded_string(text);
    return decoder_.ReadEvent(std::string_view(padded_.data(), padded_.size()));
  }
  Result<ListPage> List(std::string_view text) {
    padded_ = simdjson::padded_string(text);
    items_.clear();
    return decoder_.ReadList(std::string_view(padded_.data(), padded_.size()),
                             [this](std::string_view item) { items_.emplace_back(item); });
  }

  Decoder decoder_;
  simdjson::padded_string padded_;
  std::vector<std::string> items_;
};

TEST_F(DecoderTest, FindsTypeObjectAndVersion) {
  const std::string object =
      R"({"metadata":{"name":"a","resourceVersion":"12","labels":{"x":"}{"}},"spec":[1,{}]})";
  const auto event = Event(R"({"type":"MODIFIED","object":)" + object + "}");
  ASSERT_TRUE(event) << event.error().message;
  EXPECT_EQ(event->type, Type::Modified);
  EXPECT_EQ(event->object, object);
  EXPECT_EQ(event->resource_version, "12");
}

TEST_F(DecoderTest, KnowsEveryType) {
  const std::vector<std::pair<std::string, Type>> types = {{"ADDED", Type::Added},
                                                           {"MODIFIED", Type::Modified},
                                                           {"DELETED", Type::Deleted},
                                                           {"BOOKMARK", Type::Bookmark}};
  for (const auto& [name, type] : types) {
    const auto event = Event(R"({"object":{"metadata":{"resourceVersion":"7"}},"type":")" + name + R"("})");
    ASSERT_TRUE(event) << name << ": " << event.error().message;
    EXPECT_EQ(event->type, type) << name;
    EXPECT_EQ(event->resource_version, "7") << name;
  }
  EXPECT_FALSE(Event(R"({"type":"OTHER","object":{}})"));
}

TEST_F(DecoderTest, AnObjectWithoutMetadataIsStillAnEvent) {
  for (const char* object :
       {"{}", R"({"metadata":null})", R"({"metadata":{"resourceVersion":5}})", R"({"metadata":[]})"}) {
    const auto event = Event(R"({"type":"ADDED","object":)" + std::string(object) + "}");
    ASSERT_TRUE(event) << object << ": " << event.error().message;
    EXPECT_EQ(event->object, object);
    EXPECT_EQ(event->resource_version, "");
  }
}

TEST_F(DecoderTest, ReadsTheStatusOfAnError) {
  const auto event = Event(
      R"({"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired","message":"too old"}})");
  ASSERT_TRUE(event) << event.error().message;
  EXPECT_EQ(event->type, Type::Error);
  EXPECT_EQ(event->status.code, 410);
  EXPECT_EQ(Describe(event->status), "410 Expired: too old");
}

TEST_F(DecoderTest, ABareStatusIsAnError) {
  const auto event = Event(R"({"kind":"Status","apiVersion":"v1","code":410,"reason":"Gone"})");
  ASSERT_TRUE(event) << event.error().message;
  EXPECT_EQ(event->type, Type::Error);
  EXPECT_EQ(event->status.code, 410);
}

TEST_F(DecoderTest, RefusesWhatIsNoEvent) {
  for (const char* text : {"", "x", "[]", "{}", R"({"type":"ADDED"})", R"({"type":"ADDED","object":3})",
                           R"({"type":"ADDED","object":{"metadata":{"resourceVersion":"1")",
                           R"({"type":5,"object":{}})", R"({"kind":"Pod"})"}) {
    EXPECT_FALSE(Event(text)) << text;
  }
}

TEST_F(DecoderTest, GoesOnAfterALineItCouldNotRead) {
  EXPECT_FALSE(Event("{{{"));
  EXPECT_TRUE(Event(R"({"type":"ADDED","object":{}})"));
}

TEST_F(DecoderTest, ReadsAListWithItsMetadataBeforeOrAfterTheItems) {
  const std::string metadata =
      R"("metadata":{"resourceVersion":"99","continue":"t0=","remainingItemCount":3})";
  const std::string items = R"("items":[{"metadata":{"name":"a"}},{"metadata":{"name":"b"},"x":[1]}])";
  for (const std::string& text : {"{" + metadata + "," + items + "}", "{" + items + "," + metadata + "}"}) {
    const auto page = List(text);
    ASSERT_TRUE(page) << page.error().message;
    EXPECT_EQ(page->resource_version, "99");
    EXPECT_EQ(page->continue_token, "t0=");
    EXPECT_THAT(items_, ElementsAre(R"({"metadata":{"name":"a"}})", R"({"metadata":{"name":"b"},"x":[1]})"));
  }
}

TEST_F(DecoderTest, ReadsAnEmptyList) {
  for (const char* items : {"[]", "null"}) {
    const auto page = List(R"({"metadata":{"resourceVersion":"1"},"items":)" + std::string(items) + "}");
    ASSERT_TRUE(page) << page.error().message;
    EXPECT_EQ(page->continue_token, "");
    EXPECT_THAT(items_, IsEmpty());
  }
}

TEST_F(DecoderTest, RefusesWhatIsNoList) {
  for (const char* text : {"", "[]", R"({"kind":"Status","metadata":{}})", R"({"items":[]})",
                           R"({"metadata":{"resourceVersion":"1"},"items":[{"a":1})",
                           R"({"metadata":{"resourceVersion":"1"},"items":[3]})"}) {
    EXPECT_FALSE(List(text)) << text;
  }
}

TEST(Status, DescribesARefusalWhateverItsBodyIs) {
  Response response{403, R"({"kind":"Status","code":403,"reason":"Forbidden","message":"no\nway"})", {}};
  EXPECT_EQ(Describe(Refusal(response)), "403 Forbidden: no way");
  response = {502, "<html>bad gateway</html>", {}};
  EXPECT_EQ(Describe(Refusal(response)), "502: <html>bad gateway</html>");
  response = {500, std::string(100000, 'x'), {}};
  EXPECT_LE(Describe(Refusal(response)).size(), 1024U);
}

TEST_F(DecoderTest, ALargePageLeavesNothingBehind) {
  std::string list = R"({"metadata":{"resourceVersion":"1"},"items":[{"a":[0)";
  while (list.size() < size_t{2} << 20) list += ",1";
  list += "]}]}";
  list.append(simdjson::SIMDJSON_PADDING, ' ');
  const std::string_view page(list.data(), list.size() - simdjson::SIMDJSON_PADDING);
  const size_t before = HeldBytes();
  ASSERT_TRUE(decoder_.ReadList(page, [](std::string_view) {}));
  EXPECT_LT(HeldBytes(), before + (size_t{64} << 10)) << "a parser keeps several times the size of its text";
}

}  // namespace
}  // namespace imagebatch::kube
