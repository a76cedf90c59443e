#include "hang/line_shape.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace imagebatch::hang {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

/// Those that are progress by themselves.
std::vector<double> Amounts(std::string_view line) {
  const LineShape shape = ShapeOf(line);
  std::vector<double> values;
  for (size_t index = 0; index < shape.amount_count; ++index) {
    if (shape.amounts[index].kind != Amount::Kind::Counter) values.push_back(shape.amounts[index].value);
  }
  return values;
}

std::vector<double> Counters(std::string_view line) {
  const LineShape shape = ShapeOf(line);
  std::vector<double> values;
  for (size_t index = 0; index < shape.amount_count; ++index) {
    if (shape.amounts[index].kind == Amount::Kind::Counter) values.push_back(shape.amounts[index].value);
  }
  return values;
}

struct Pair {
  const char* one;
  const char* other;
};

TEST(LineShape, SetsAsideWhatChangesByItself) {
  for (const Pair& pair : {
           Pair{"[12:00:01] still building ...", "[12:00:31] still building ...."},
           Pair{"2026-11-23T22:14:43.120Z waiting", "2026-11-24T01:00:00.001Z waiting"},
           Pair{"Mon Nov 23 22:14:43 UTC 2026 waiting", "Tue Nov 24 01:00:00 UTC 2026 waiting"},
           Pair{"attempt 9 failed, retrying in 1m4s", "attempt 1000 failed, retrying in 59s"},
           Pair{"elapsed 59s", "elapsed 1h0m2s"},
           Pair{"elapsed 59.5 s", "elapsed 0.25 s"},
           Pair{"| Solving environment", "/ Solving environment"},
           Pair{"\xE2\xA0\x8B reify", "\xE2\xA0\x99 reify"},              // Braille
           Pair{"\xF0\x9F\x95\x90 waiting", "\xF0\x9F\x95\x91 waiting"},  // clock faces
           Pair{"\x1B[32mok\x1B[0m", "ok"},
           Pair{"\x1B]0;title 1\x07ok", "ok"},
           Pair{"\x1B[2K\x1B[1Gok", "ok"},
           Pair{"layer sha256:9f86d081884c", "layer sha256:2c26b46b68ff"},
           Pair{"request 550e8400-e29b-41d4-a716-446655440000",
                "request 123e4567-e89b-12d3-a456-426614174000"},
           Pair{"object at 0x7f3a10", "object at 0x7f99c4ee"},
           Pair{"commit deadbeefcafe", "commit 0badf00d1234"},
           Pair{"in /tmp/tmp.RkzMAxyPGD/log", "in /tmp/tmp.abcdefghij/log"},
           Pair{"pod build-x2k9z failed", "pod build-7d4b9 failed"},
           Pair{"connection from 10.0.0.1:8080", "connection from 192.168.0.1:55555"},
           Pair{"12.3 MB/s", "1.1 GB/s"},
       }) {
    EXPECT_EQ(ShapeOf(pair.one).words, ShapeOf(pair.other).words) << pair.one << "\n" << pair.other;
  }
}

TEST(LineShape, KeepsWhatIsSaid) {
  for (const Pair& pair : {
           Pair{"Setting up libc6", "Setting up tzdata"},
           Pair{"src/parser.c:12: warning", "src/lexer.c:12: warning"},
           Pair{"\xC3\xA9t\xC3\xA9", "\xC3\xA9t\xC3\xA8"},
           Pair{"\xE7\xBC\x96\xE8\xAF\x91", "\xE4\xB8\x8B\xE8\xBD\xBD"},
           Pair{"a bc", "ab c"},
           Pair{"Receiving objects: 100% (3/3)", "Receiving objects: 100% (3/3), done."},
       }) {
    EXPECT_NE(ShapeOf(pair.one).words, ShapeOf(pair.other).words) << pair.one << "\n" << pair.other;
  }
}

TEST(LineShape, HasNoWordsInDecoration) {
  for (const char* line : {"", "   ", "....", "[=====>    ]", "|", "12 34",
                           "\xE2\x94\x81\xE2\x94\x81\xE2\x95\xB8", "\x1B[1A\x1B[2K", "\xE2\xA0\x8B"}) {
    EXPECT_TRUE(ShapeOf(line).empty) << line;
  }
}

TEST(LineShape, ReadsTheAmountsThatTellProgress) {
  EXPECT_THAT(Amounts("[ 42%] Building CXX object a.o"), ElementsAre(42));
  EXPECT_THAT(Amounts("12.5 %"), ElementsAre(12.5));
  EXPECT_THAT(Amounts("[12/500] Building"), ElementsAre(12));
  EXPECT_THAT(Amounts("step 3 of 20"), ElementsAre(3));
  EXPECT_THAT(Amounts("12.5 MB / 40 MB"), ElementsAre(12.5e6));
  EXPECT_THAT(Amounts("12.5/40.0 MB 5.2 MB/s eta 0:00:05"), ElementsAre(12.5e6));
  EXPECT_THAT(Amounts("34.5kB"), ElementsAre(34.5e3));
  EXPECT_THAT(Amounts("1,234,567 bytes"), ElementsAre(1234567));
  EXPECT_THAT(Amounts("Receiving objects:  12% (120/1000), 1.20 MiB | 500.00 KiB/s"),
              ElementsAre(12, 120, 1.2e6));
  EXPECT_THAT(Amounts("#12 sha256:9f86d081884c 12.34MB / 40.00MB 1.2s"), ElementsAre(12.34e6));
}

TEST(LineShape, KnowsWhatIsNoAmount) {
  for (const char* line : {"attempt 12", "12:30:45", "2026-11-23", "23/11/2026", "1.2.3", "5.2 MB/s",
                           "10kBps", "waiting 10/60s", "elapsed 12s", "retrying (3/10)",
                           "Attempt 3/10 failed", "150%", "7/3", "1/1", "processed 1200 rows"}) {
    EXPECT_THAT(Amounts(line), IsEmpty()) << line;
  }
}

TEST(LineShape, TellsCountersApart) {
  EXPECT_THAT(Counters("step 1200, loss 0.123"), ElementsAre(1200));
  EXPECT_THAT(Counters("layer 450: 30e14955"), ElementsAre(450));
  for (const char* line :
       {"attempt 12 failed", "elapsed 12 s", "elapsed 12s", "12%", "3/20", "12:30", "#9 1.5", "Retrying 7"}) {
    for (double value : Counters(line)) EXPECT_EQ(value, 9) << line;
  }
}

TEST(LineShape, TellsSubjectsApartByTheirIds) {
  const LineShape one = ShapeOf("sha256:9f86d081884c 1MB / 4MB"),
                  other = ShapeOf("sha256:2c26b46b68ff 1MB / 4MB");
  EXPECT_EQ(one.words, other.words);
  EXPECT_NE(one.subject, other.subject);
  EXPECT_EQ(one.subject, ShapeOf("sha256:9f86d081884c 3MB / 4MB").subject);
}

TEST(LineShape, SurvivesAnything) {
  for (const char* line : {"\x1B", "\x1B[", "\x1B]", "\x1B]x\x1B", "\x1B(", "/tmp/", "9", "9.", "9 of ",
                           "9 /", "9/9/", "1h2", "\xE2", "\xF0\x9F", "12\xE2\x96\x88", "::::", "a-:-"}) {
    ShapeOf(line);
  }
  const std::string digits(100'000, '9');
  EXPECT_TRUE(ShapeOf(digits).empty);
  EXPECT_LE(Amounts(digits + "%").size(), 1U);
}

}  // namespace
}  // namespace imagebatch::hang
