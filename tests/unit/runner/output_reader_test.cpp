#include "runner/output/output_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace imagebatch::runner {
namespace {

using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::IsEmpty;

const hang::TimePoint kNow{};

/// What BuildKit 0.34 writes for a step; digests shortened. The log says "hello\n" and "world\n".
const char* const kRaw[] = {
    R"({"vertexes":[{"digest":"sha256:aa","name":"[1/2] FROM base"},{"digest":"sha256:bb","name":"[2/2] RUN make\nall"}]})",
    R"({"vertexes":[{"digest":"sha256:aa","name":"[1/2] FROM base","started":"2026-11-23T22:39:29.1Z","completed":"2026-11-23T22:39:29.1Z","cached":true}]})",
    R"({"vertexes":[{"digest":"sha256:bb","name":"[2/2] RUN make\nall","started":"2026-11-23T22:39:29.2Z"}]})",
    R"({"logs":[{"vertex":"sha256:bb","stream":1,"data":"aGVsbG8Kd29ybGQK","timestamp":"2026-11-23T22:39:30.1Z"}]})",
    R"({"statuses":[{"id":"sha256:cc","vertex":"sha256:bb","current":1200,"total":3400,"timestamp":"2026-11-23T22:39:30.1Z","started":"2026-11-23T22:39:29.2Z"}]})",
    R"({"vertexes":[{"digest":"sha256:bb","name":"[2/2] RUN make\nall","started":"2026-11-23T22:39:29.2Z","completed":"2026-11-23T22:39:33.2Z"}]})",
    R"({"vertexes":[{"digest":"sha256:dd","name":"exporting to image","started":"2026-11-23T22:39:34Z"}],"statuses":[{"id":"exporting layers","vertex":"sha256:dd","current":0,"timestamp":"2026-11-23T22:39:34Z","started":"2026-11-23T22:39:34Z"}]})",
    R"({"statuses":[{"id":"exporting layers","vertex":"sha256:dd","current":0,"timestamp":"2026-11-23T22:39:35Z","started":"2026-11-23T22:39:34Z","completed":"2026-11-23T22:39:35Z"}]})",
    R"({"vertexes":[{"digest":"sha256:dd","name":"exporting to image","started":"2026-11-23T22:39:34Z","completed":"2026-11-23T22:39:36Z","error":"no space left\n#9 [1/1] forged"}]})",
};

TEST(RawProgress, BecomesPlainProgress) {
  OutputReader reader;
  std::vector<std::string> phases;
  for (const char* line : kRaw) {
    reader.Add(0, std::string(line) + "\n", kNow);
    phases.emplace_back(reader.Tail().Phases().Current());
  }
  EXPECT_THAT(
      reader.Tail().Last(),
      ElementsAre("#1 [1/2] FROM base", "#1 CACHED", "#2 [2/2] RUN make all", "#2 | hello", "#2 | world",
                  "#2 sha256:cc 1200B / 3400B", "#2 DONE ", "#3 exporting to image", "#3 exporting layers",
                  "#3 exporting layers done", "#3 ERROR: no space left #9 [1/1] forged"));
  EXPECT_THAT(phases, ElementsAre("", "", "[2/2] RUN make all", "[2/2] RUN make all", "[2/2] RUN make all",
                                  "", "exporting layers", "exporting to image", ""));
}

TEST(RawProgress, RepeatedStatesSayNothingNew) {
  OutputReader reader;
  for (const char* line : kRaw) reader.Add(0, std::string(line) + "\n", kNow);
  const uint64_t before = reader.Said().news;
  for (int turn = 0; turn < 3; ++turn) {
    reader.Add(0, std::string(kRaw[4]) + "\n" + kRaw[3] + "\n", kNow);
  }
  EXPECT_EQ(reader.Said().news, before);
  reader.Add(0,
             R"({"statuses":[{"id":"sha256:cc","vertex":"sha256:bb","current":1300,"total":3400}]})"
             "\n",
             kNow);
  EXPECT_EQ(reader.Said().news, before + 1);
}

TEST(RawProgress, LeavesWhatItIsNot) {
  OutputReader reader;
  const std::string lines[] = {"{", "{}", "{\"vertexes\":3}", "{\"verdict\":\"Hung\"}"};
  for (const std::string& line : lines) reader.Add(0, line + "\n", kNow);
  EXPECT_THAT(reader.Tail().Last(), ElementsAreArray(lines));
}

TEST(RawProgress, IsSilentAboutWhatItCannotRead) {
  for (const std::string& line :
       {std::string(R"({"vertexes":[{"digest":"sha256:aa","name":"x","started":"y")"),
        "{\"logs\":[" + std::string(100'000, '[') + "]}",
        "{\"logs\":[{\"vertex\":\"a\",\"data\":\"" + std::string(RawProgress::kLineBytes, 'Q') + "\"}]}"}) {
    OutputReader reader;
    reader.Add(0, line + "\n", kNow);
    EXPECT_THAT(reader.Tail().Last(), IsEmpty());
  }
}

TEST(OutputReader, DoesNotDependOnHowTheBytesAreSplit) {
  std::string text = "warning\n{ \"a\": 1 }\n";
  for (const char* line : kRaw) text += std::string(line) + "\n";
  text += "{\"verte";
  OutputReader whole;
  whole.Add(0, text, kNow);
  for (size_t size : {1UL, 2UL, 5UL, 12UL, 13UL, 14UL, 100UL}) {
    OutputReader parts;
    for (size_t at = 0; at < text.size(); at += size)
      parts.Add(0, std::string_view(text).substr(at, size), kNow);
    EXPECT_EQ(parts.Tail().Last(), whole.Tail().Last()) << size;
    EXPECT_EQ(parts.Said().news, whole.Said().news) << size;
  }
}

TEST(OutputReader, KeepsTheStreamsApart) {
  OutputReader reader;
  reader.Add(0, "{\"vertexes\":[{\"digest\":\"a\",", kNow);
  reader.Add(1, "error\n", kNow);
  reader.Add(0, "\"name\":\"[1/1] RUN x\",\"started\":\"t\"}]}\n", kNow);
  EXPECT_THAT(reader.Tail().Last(), ElementsAre("error", "#1 [1/1] RUN x"));
}

TEST(OutputReader, BoundsWhatItParsesInEachPeriod) {
  OutputReader reader;
  std::string log(RawProgress::kLineBytes - 100, 'Q');
  log = "{\"logs\":[{\"vertex\":\"a\",\"data\":\"" + log + "\"}]}\n";
  for (size_t read = 0; read < OutputReader::kRawBudgetBytes; read += log.size()) reader.Add(0, log, kNow);
  const uint64_t lines = reader.Tail().Lines();
  const std::string more = R"({"logs":[{"vertex":"a","data":"aGVsbG8K"}]})"
                           "\n";
  for (int turn = 0; turn < 2000; ++turn) reader.Add(0, more, kNow);
  EXPECT_LT(reader.Tail().Lines(), lines + 2000);
  reader.Add(0,
             R"({"vertexes":[{"digest":"b","name":"[1/1] RUN x","started":"t"}]})"
             "\n",
             kNow);
  EXPECT_EQ(reader.Tail().Phases().Current(), "[1/1] RUN x") << "phases are always read";
  reader.Renew(hang::TimePoint());
  const uint64_t then = reader.Tail().Lines();
  reader.Add(0, more, kNow);
  EXPECT_EQ(reader.Tail().Lines(), then + 1);
}

}  // namespace
}  // namespace imagebatch::runner
