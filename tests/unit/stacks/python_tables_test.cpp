#include "runner/stacks/python_tables.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace imagebatch::runner {
namespace {

using namespace std::string_view_literals;

TEST(LineAt, GoesByIncrementsUntil39) {
  // From CPython's Objects/lnotab_notes.txt: lines 1, 2, 7, 361 and 363 at 0, 6, 50, 350 and 361
  constexpr auto kTable = "\x00\x00\x06\x01\x2c\x05\xff\x00\x2d\x7f\x00\x7f\x00\x64\x0b\x02"sv;
  const auto line = [&](int64_t offset) { return LineAt(LineTable::Increments, kTable, 1, offset); };
  EXPECT_EQ(line(-1), 1);
  EXPECT_EQ(line(5), 1);
  EXPECT_EQ(line(6), 2);
  EXPECT_EQ(line(49), 2);
  EXPECT_EQ(line(50), 7);
  EXPECT_EQ(line(349), 7);
  EXPECT_EQ(line(350), 361);
  EXPECT_EQ(line(361), 363);
  EXPECT_EQ(line(100'000), 363);
}

TEST(LineAt, GoesByRangesIn310) {
  constexpr auto kTable =
      "\x04\x00\x02\x80\x06\xff\x00\x05\x02\x01"sv;  // the fourth is empty, of the line alone
  const auto line = [&](int64_t offset) { return LineAt(LineTable::Ranges, kTable, 10, offset); };
  EXPECT_EQ(line(0), 10);
  EXPECT_EQ(line(3), 10);
  EXPECT_EQ(line(4), 0) << "no line";
  EXPECT_EQ(line(6), 9);
  EXPECT_EQ(line(12), 15);
  EXPECT_EQ(line(14), std::nullopt) << "beyond the table";
}

TEST(LineAt, GoesByLocationsFrom311) {
  constexpr auto kTable =
      "\x80\x00"              // short, one unit: the same line
      "\xd9\x00\x00"          // one line further, two units
      "\xf0\x05\x00\x00\x00"  // long, one unit: back by two
      "\xf8"                  // none, one unit
      "\xe8\x44\x02"sv;       // no columns, one unit: by 4 + 2 * 64, halved
  const auto line = [&](int64_t offset) { return LineAt(LineTable::Locations, kTable, 20, offset); };
  EXPECT_EQ(line(-2), 20);
  EXPECT_EQ(line(0), 20);
  EXPECT_EQ(line(2), 21);
  EXPECT_EQ(line(4), 21);
  EXPECT_EQ(line(6), 19);
  EXPECT_EQ(line(8), 0);
  EXPECT_EQ(line(10), 85);
  EXPECT_EQ(line(12), std::nullopt);
  EXPECT_EQ(LineAt(LineTable::Locations, "\x05\x00"sv, 1, 0), std::nullopt) << "no entry begins so";
}

TEST(LineAt, TellsNoImpossibleLine) {
  EXPECT_EQ(LineAt(LineTable::Increments, "\x00\x80\x00\x80"sv, 100, 0), std::nullopt) << "below zero";
  EXPECT_EQ(LineAt(LineTable::Locations, "\xe8\x7e\x7f\x7f\x7f\x1f"sv, 1, 0), std::nullopt) << "beyond all";
  EXPECT_EQ(LineAt(LineTable::Locations, "\x80"sv, -5, -2), std::nullopt);
}

TEST(KeptByHandler, IsTheDepthOfTheFirstThatCovers) {
  // Start, size, handler, depth * 2 + lasti; the first byte of an entry has bit 7
  constexpr auto kTable = "\x82\x03\x10\x02\x88\x41\x00\x20\x07"sv;
  EXPECT_EQ(KeptByHandler(kTable, 2), 0);
  EXPECT_EQ(KeptByHandler(kTable, 4), 1);
  EXPECT_EQ(KeptByHandler(kTable, 9), 1);
  EXPECT_EQ(KeptByHandler(kTable, 10), 0);
  EXPECT_EQ(KeptByHandler(kTable, 16), 3);
  EXPECT_EQ(KeptByHandler(kTable, 16 + 2 * 63), 3) << "a size of two bytes: 64";
  EXPECT_EQ(KeptByHandler(kTable, 16 + 2 * 64), 0);
  EXPECT_EQ(KeptByHandler("", 0), 0);
}

TEST(Tables, AreReadWhateverTheyHold) {
  std::mt19937 random(1);
  for (int round = 0; round < 20'000; ++round) {
    std::string table(random() % 40, '\0');
    for (char& byte : table) byte = static_cast<char>(random());
    const auto offset = static_cast<int64_t>(random() % 200) - 2;
    for (LineTable kind : {LineTable::Increments, LineTable::Ranges, LineTable::Locations}) {
      const auto line = LineAt(kind, table, static_cast<int>(random() % 1000), offset);
      ASSERT_TRUE(!line || (*line >= 0 && *line <= 10'000'000));
    }
    ASSERT_GE(KeptByHandler(table, offset), 0);
  }
}

}  // namespace
}  // namespace imagebatch::runner
