// What novelty makes of the output of real tools.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "hang/novelty.h"

namespace imagebatch::hang {
namespace {

std::string Content(const std::string& file) {
  std::ifstream stream(std::filesystem::path(TEST_DATA) / file, std::ios::binary);
  std::ostringstream content;
  content << stream.rdbuf();
  return content.str();
}

/// The pieces of `text`, each with its end.
std::vector<std::string> Pieces(const std::string& text) {
  std::vector<std::string> pieces(1);
  for (char byte : text) {
    pieces.back() += byte;
    if (byte == '\n' || byte == '\r') pieces.emplace_back();
  }
  return pieces;
}

struct Reading {
  uint64_t news = 0;
  size_t longest_repetition = 0;  // so many bytes one after the other that said nothing new
};

/// With what is in doubt; of recordings nothing was taken back.
uint64_t Count(const Novelty& novelty) {
  EXPECT_EQ(novelty.So().withdrawals, 0U);
  return novelty.So().news + novelty.So().doubts;
}

Reading Read(Novelty& novelty, const std::string& text) {
  Reading reading;
  size_t repeated = 0;
  TimePoint now;
  for (const std::string& piece : Pieces(text)) {
    const uint64_t before = Count(novelty);
    now += std::chrono::milliseconds(200);
    novelty.Renew(now);
    novelty.Add(0, piece, now);
    reading.news += Count(novelty) - before;
    repeated = Count(novelty) > before ? 0 : repeated + piece.size();
    reading.longest_repetition = std::max(reading.longest_repetition, repeated);
  }
  return reading;
}

struct Recording {
  const char* file;
  uint64_t news;              // at least
  size_t longest_repetition;  // at most
};

std::ostream& operator<<(std::ostream& stream, const Recording& recording) {
  return stream << recording.file;
}

class Recorded : public testing::TestWithParam<Recording> {};

TEST_P(Recorded, IsNewAllTheWayAndOnceOnly) {
  const std::string text = Content(GetParam().file);
  ASSERT_FALSE(text.empty());
  Novelty novelty;
  const Reading first = Read(novelty, text);
  EXPECT_GE(first.news, GetParam().news);
  EXPECT_LE(first.longest_repetition, GetParam().longest_repetition);
  // A loop that does it all again: its bars may count once more, for what came between them was new.
  Read(novelty, text);
  EXPECT_EQ(Read(novelty, text).news, 0U);
}

INSTANTIATE_TEST_SUITE_P(
    Tools, Recorded,
    testing::Values(Recording{"output/pip.txt", 18, 250}, Recording{"output/git.txt", 70, 100},
                    Recording{"output/npm.txt", 1, 10}, Recording{"output/cargo.txt", 12, 60},
                    Recording{"output/cmake.txt", 16, 60}, Recording{"output/ninja.txt", 14, 160},
                    Recording{"output/pytest.txt", 12, 200}, Recording{"output/conda.txt", 13, 80},
                    Recording{"output/docker-pull.txt", 10, 120},
                    Recording{"buildkit/packages.plain", 100, 500}));

TEST(RecordedLoops, SayNothingNew) {
  const std::string text = Content("output/retries.txt");
  Novelty novelty;
  EXPECT_EQ(Read(novelty, text).news, 7U) << "the second retry of pip is the first one again";
  EXPECT_EQ(Read(novelty, text).news, 0U);
}

}  // namespace
}  // namespace imagebatch::hang
