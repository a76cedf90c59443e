// Interpreters in imitated memory, good ones and such as are made to mislead.
#include "runner/stacks/python_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/python_image.h"

namespace imagebatch::runner {
namespace {

using imagebatch::testing::PythonImage;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class PythonOf : public ::testing::TestWithParam<unsigned> {
 protected:
  PythonOf() : image_(GetParam()) {
    if (image_.Interpreter() == 0) return;
    outer_code_ = image_.AddCode("/src/main.py", "<module>", 1);
    inner_code_ = image_.AddCode("/src/main.py", "Pool.run", 40);
    outer_ = image_.AddFrame(outer_code_, 0, 0);
    inner_ = image_.AddFrame(inner_code_, outer_, 2);
    state_ = image_.AddThread(77, inner_);
  }

  PythonReader Read(std::vector<KernelThread> threads = {{77, std::nullopt}}) {
    const auto runtime = FindPython(image_.Memory(), PythonImage::Maps());
    EXPECT_TRUE(runtime && runtime->layout);
    runtime_ = *runtime;
    return PythonReader(image_.Memory(), runtime_, std::move(threads));
  }

  static std::vector<std::string> Frames(const PythonReader& reader, size_t thread = 0) {
    std::vector<std::string> frames;
    for (const PythonFrame& frame : reader.Threads().at(thread).frames) {
      const PythonCode& code = reader.CodeOf(frame);
      frames.push_back(code.file + ":" + std::to_string(frame.line) + " " + code.function);
    }
    return frames;
  }

  PythonImage image_;
  PythonRuntime runtime_;
  uint64_t outer_code_ = 0, inner_code_ = 0, outer_ = 0, inner_ = 0, state_ = 0;
};

INSTANTIATE_TEST_SUITE_P(Python, PythonOf, ::testing::Values(8U, 9U, 10U, 11U, 12U, 13U, 14U),
                         [](const auto& instance) { return "3_" + std::to_string(instance.param); });

TEST_P(PythonOf, HasItsFrames) {
  const PythonReader reader = Read();
  ASSERT_THAT(reader.Threads(), SizeIs(1));
  EXPECT_EQ(reader.Threads()[0].id, 77);
  EXPECT_EQ(runtime_.version.minor, GetParam());
  EXPECT_THAT(Frames(reader), ElementsAre("/src/main.py:42 Pool.run", "/src/main.py:1 <module>"));
}

TEST_P(PythonOf, IsFoundByEitherHashTable) {
  PythonImage other(GetParam(), false);
  const auto runtime = FindPython(other.Memory(), PythonImage::Maps());
  ASSERT_TRUE(runtime);
  EXPECT_EQ(runtime->address, other.Runtime());
  EXPECT_EQ(runtime->version.minor, GetParam());
}

TEST_P(PythonOf, LeavesOutThreadsThatTheProcessDoesNotHave) {
  image_.AddThread(78, inner_);
  EXPECT_THAT(Read().Threads(), SizeIs(1));
}

TEST_P(PythonOf, TakesWhatGlibcSaysWhereItsOwnIdIsTheParents) {
  if (image_.Layout().native_id == PythonLayout::kNone) return;
  image_.Memory().Put(state_ + image_.Layout().native_id, uint64_t{5});
  EXPECT_THAT(Read().Threads(), SizeIs(1));
}

TEST_P(PythonOf, ReadsNamesThatAreNotAscii) {
  image_.Memory().Put(inner_code_ + image_.Layout().name, image_.AddWideStr(u"W\u00f6rker.\u4e2d"));
  EXPECT_THAT(Frames(Read()), ElementsAre("/src/main.py:42 W\u00f6rker.\u4e2d", "/src/main.py:1 <module>"));
}

TEST_P(PythonOf, EndsWhereThreadsGoInACircle) {
  image_.Memory().Put(state_ + 8, state_);
  EXPECT_THAT(Read().Threads(), SizeIs(1));
  const uint64_t second = image_.AddThread(78, outer_);
  image_.Memory().Put(state_ + 8, second);
  EXPECT_THAT(Read({{77, {}}, {78, {}}}).Threads(), SizeIs(2));
}

TEST_P(PythonOf, EndsWhereInterpretersGoInACircle) {
  image_.Memory().Put(image_.Interpreter() + image_.Layout().next_interpreter, image_.Interpreter());
  EXPECT_THAT(Read().Threads(), IsEmpty()) << "of a thread that is met twice nothing is certain";
}

TEST_P(PythonOf, EndsWhereFramesGoInACircle) {
  image_.Memory().Put(outer_ + image_.Layout().previous, inner_);
  const PythonReader reader = Read();
  ASSERT_THAT(reader.Threads(), SizeIs(1));
  EXPECT_EQ(reader.Threads()[0].frames.size(), PythonReader::kMostFrames);
  EXPECT_TRUE(reader.Threads()[0].more_frames);
  image_.Memory().Put(outer_ + image_.Layout().previous, outer_);
  EXPECT_THAT(Read().Threads(), IsEmpty());
}

TEST_P(PythonOf, LeavesOutAThreadThatIsNotWhole) {
  image_.AddThread(78, image_.AddFrame(inner_code_, 0x1000, 1));  // what called it cannot be read
  const PythonReader reader = Read({{77, {}}, {78, {}}});
  ASSERT_THAT(reader.Threads(), SizeIs(1));
  EXPECT_EQ(reader.Threads()[0].id, 77);
  EXPECT_EQ(reader.Unreadable(), 1U);
}

/// One word of the innermost frame's code is made wrong.
TEST_P(PythonOf, BelievesNothingOfACodeThatIsNone) {
  const PythonLayout& layout = image_.Layout();
  auto& memory = image_.Memory();
  const std::vector<std::pair<uint64_t, uint64_t>> wrong = {
      {inner_code_ + 8, image_.Runtime()},                                 // its type
      {inner_code_ + layout.file, image_.AddBytes("/src/main.py")},        // no str
      {inner_code_ + layout.file, 0},                                      // nothing
      {inner_code_ + layout.file, image_.AddStr(std::string(2000, 'x'))},  // too long a path
      {inner_code_ + layout.name, image_.AddStr(std::string(300, 'x'))},   // too long a name
      {inner_code_ + layout.line_table, image_.AddStr("lines")},           // no bytes
      {inner_code_ + layout.line_table, image_.AddBytes("\x01")},          // a table of nothing
      {inner_ + layout.instruction, 0x7FFF'FFFF},                          // beyond the code
      {layout.frame_objects ? inner_ + 8 : inner_ + layout.code, 0x30},    // no frame, no code
  };
  for (const auto& [address, value] : wrong) {
    const uint64_t before = memory.Word(address);
    memory.Put(address, value);
    // A table of increments ends where it ends: the last line is that of all that follows
    const bool reaches = layout.lines == LineTable::Increments && value == wrong[6].second;
    EXPECT_THAT(Read().Threads(), SizeIs(reaches ? 1 : 0)) << address - inner_code_ << " " << value;
    memory.Put(address, before);
  }
  EXPECT_THAT(Read().Threads(), SizeIs(1));
}

TEST_P(PythonOf, BelievesNoLengthThatIsTooLarge) {
  auto& memory = image_.Memory();
  const uint64_t file = memory.Word(inner_code_ + image_.Layout().file);
  const uint64_t lines = memory.Word(inner_code_ + image_.Layout().line_table);
  for (uint64_t object : {file, lines}) {
    for (uint64_t length : {uint64_t{1} << 20 | 1, uint64_t{1} << 62, UINT64_MAX}) {
      const uint64_t before = memory.Word(object + 16);
      memory.Put(object + 16, length);
      EXPECT_THAT(Read().Threads(), IsEmpty()) << length;
      memory.Put(object + 16, before);
    }
  }
}

TEST_P(PythonOf, NamesTheLockThatAThreadWaitsFor) {
  const auto lock = image_.AddLock(false, 0);
  image_.PutSlot(inner_, 1, lock.object);
  const PythonReader reader = Read({{77, lock.futex}});
  ASSERT_TRUE(reader.Threads().at(0).waits_for);
  EXPECT_EQ(reader.Threads()[0].waits_for->kind, PythonLock::Kind::Lock);
  EXPECT_EQ(reader.Threads()[0].waits_for->object, lock.object);
  EXPECT_FALSE(Read({{77, lock.futex + 4}}).Threads().at(0).waits_for) << "another word";
}

TEST_P(PythonOf, NamesTheOwnerOfAnRLock) {
  image_.AddThread(78, outer_);
  const uint64_t owner = image_.LastIdent();
  const auto lock = image_.AddLock(true, owner);
  image_.PutSlot(inner_, 2, image_.AddExit(lock.object));  // as what a method belongs to
  PythonReader reader = Read({{77, lock.futex}, {78, {}}});
  const auto waiting = std::find_if(reader.Threads().begin(), reader.Threads().end(),
                                    [](const PythonThread& thread) { return thread.id == 77; });
  ASSERT_TRUE(waiting != reader.Threads().end() && waiting->waits_for);
  EXPECT_EQ(waiting->waits_for->owner, owner);
  ASSERT_NE(reader.ByIdent(owner), nullptr);
  EXPECT_EQ(reader.ByIdent(owner)->id, 78);
  EXPECT_TRUE(reader.Holds(lock.object, owner));
  EXPECT_FALSE(reader.Holds(lock.object, owner + 8));
}

TEST_P(PythonOf, FindsWhoIsInAWithOfALock) {
  const auto lock = image_.AddLock(false, 0);
  // The first value of the stack, behind the two locals
  image_.PutSlot(outer_, 2, GetParam() >= 14 ? lock.object : image_.AddExit(lock.object));
  image_.PutSlot(inner_, 3, image_.AddExit(lock.object));  // beyond what is alive for sure
  PythonReader reader = Read();
  const auto holder = reader.Holder(lock.object);
  ASSERT_EQ(holder.has_value(), GetParam() >= 11);
  if (!holder) return;
  EXPECT_EQ(holder->thread, 0U);
  EXPECT_EQ(holder->frame, 1U);
  EXPECT_FALSE(reader.Holder(image_.AddLock(false, 0).object));
}

TEST_P(PythonOf, EndsWithItsBounds) {
  // So many threads, each with the same frames, that go in a circle
  image_.Memory().Put(outer_ + image_.Layout().previous, inner_);
  std::vector<KernelThread> threads = {{77, {}}};
  for (int id = 100; id < 1500; ++id) {
    image_.AddThread(id, inner_);
    threads.push_back({id, {}});
  }
  const PythonReader reader = Read(threads);
  size_t frames = 0;
  for (const PythonThread& thread : reader.Threads()) frames += thread.frames.size();
  EXPECT_LE(reader.Threads().size(), PythonReader::kMostThreads);
  EXPECT_LE(frames, PythonReader::kMostAllFrames + PythonReader::kMostFrames);
  EXPECT_FALSE(image_.Memory().Exhausted());
}

TEST(Python, OfAVersionThatIsNotKnownHasNoLayout) {
  for (unsigned minor : {7U, 15U, 16U}) {
    PythonImage image(minor);
    const auto runtime = FindPython(image.Memory(), PythonImage::Maps());
    ASSERT_TRUE(runtime) << minor;
    EXPECT_FALSE(runtime->layout) << minor;
    EXPECT_EQ(runtime->version.Text(), minor == 7 ? "3.0" : "3." + std::to_string(minor) + ".0");
  }
}

TEST(Python, ThatTellsAnotherLayoutIsNotBelieved) {
  const std::vector<std::pair<uint64_t, uint64_t>> wrong = {
      {0, 0},           // no cookie
      {8, 0x030C00F0},  // another version
      {16, 1},          // free-threaded
      {40, uint64_t{1} << 40},
      {184, 5000},
      {248, 300},
      {280, 100'000},
      {360, 16},
  };
  for (const auto& [where, value] : wrong) {
    PythonImage image(13);
    image.Memory().Put(image.Runtime() + where, value);
    const auto runtime = FindPython(image.Memory(), PythonImage::Maps());
    ASSERT_TRUE(runtime);
    EXPECT_FALSE(runtime->layout) << where;
  }
}

TEST(Python, OfAnAlphaIsNotKnown) {
  EXPECT_FALSE(VersionOf(0x030E00A6).final);
  EXPECT_TRUE(VersionOf(0x030E00C1).final);
  EXPECT_EQ(VersionOf(0x030B02F0).Text(), "3.11.2");
}

TEST(Python, IsOnlyWhereItsNamesAre) {
  PythonImage image(11);
  image.Memory().Put(imagebatch::testing::ImitatedMemory::kBase, uint32_t{0});
  EXPECT_TRUE(FindPython(image.Memory(), PythonImage::Maps())) << "by its name alone: a version not known";
  EXPECT_FALSE(FindPython(image.Memory(), "700000000000-700001000000 r-xp 0 08:01 7 /usr/bin/sleep\n"));
  EXPECT_FALSE(FindPython(image.Memory(), ""));
}

TEST(Memory, EndsTextsWhereTheyEnd) {
  imagebatch::testing::ImitatedMemory memory;
  const uint64_t text = memory.AddText("abc");
  EXPECT_EQ(memory.Text(text, 3), "abc");
  EXPECT_EQ(memory.Text(text, 2), std::nullopt);
  EXPECT_EQ(memory.Text(0, 3), std::nullopt);
}

TEST(Memory, GivesNothingBeyondItsBounds) {
  imagebatch::testing::ImitatedMemory memory;
  const uint64_t word = memory.Add(8);
  for (size_t read = 0; read < Memory::kMostReads; ++read) ASSERT_TRUE(memory.Get<char>(word));
  EXPECT_FALSE(memory.Get<char>(word));
  EXPECT_TRUE(memory.Exhausted());
}

}  // namespace
}  // namespace imagebatch::runner
