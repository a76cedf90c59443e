#include "runner/waits/stacks.h"

#include <elf.h>
#include <gtest/gtest.h>

#include <cstring>

#include "support/temporary_directory.h"

namespace imagebatch::runner {
namespace {

/// A program file with one segment.
std::string Program(uint32_t type, uint32_t flags, const std::string& content) {
  Elf64_Ehdr header{};
  memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_phoff = sizeof header;
  header.e_phentsize = sizeof(Elf64_Phdr);
  header.e_phnum = 1;
  Elf64_Phdr segment{};
  segment.p_type = type;
  segment.p_flags = flags;
  segment.p_offset = sizeof header + sizeof segment;
  segment.p_filesz = content.size();
  std::string program(sizeof header + sizeof segment, '\0');
  memcpy(program.data(), &header, sizeof header);
  memcpy(program.data() + sizeof header, &segment, sizeof segment);
  return program + content;
}

const std::string kGoNote("\4\0\0\0\6\0\0\0\4\0\0\0Go\0\0a/b/c\0\0\0", 24);
const std::string kGnuNote("\4\0\0\0\6\0\0\0\3\0\0\0GNU\0a/b/c\0\0\0", 24);

class GoProgram : public ::testing::Test {
 protected:
  bool Is(const std::string& content) {
    directory_.Write("program", content);
    return IsGoProgram(directory_.path() / "program");
  }

 private:
  imagebatch::testing::TemporaryDirectory directory_;
};

TEST_F(GoProgram, IsKnownByItsNote) {
  EXPECT_TRUE(Is(Program(PT_NOTE, PF_R, kGoNote)));
  EXPECT_TRUE(Is(Program(PT_NOTE, PF_R, kGnuNote + kGoNote)));
  EXPECT_FALSE(Is(Program(PT_NOTE, PF_R, kGnuNote)));
  EXPECT_FALSE(Is(Program(PT_LOAD, PF_R | PF_X, kGoNote)));
}

TEST_F(GoProgram, IsKnownByItsBuildInformation) {
  const std::string data = std::string(100, '\0') + "\xff Go buildinf:\x08\x02";
  EXPECT_TRUE(Is(Program(PT_LOAD, PF_R | PF_W, data)));
  EXPECT_FALSE(Is(Program(PT_LOAD, PF_R, data)));
}

TEST_F(GoProgram, OtherFilesAreNone) {
  EXPECT_FALSE(Is(""));
  EXPECT_FALSE(Is("#!/bin/sh\n# \xff Go buildinf:\n"));
  EXPECT_FALSE(Is(Program(PT_NOTE, PF_R, kGoNote).substr(0, 100)));
  EXPECT_FALSE(IsGoProgram("/proc/self/exe"));
  EXPECT_FALSE(IsGoProgram("/nowhere"));
}

}  // namespace
}  // namespace imagebatch::runner
