#include "base/short_name.h"

#include <gtest/gtest.h>

namespace imagebatch {
namespace {

TEST(PathTail, KeepsTheEnd) {
  EXPECT_EQ(PathTail("/a/b.py", 10), "/a/b.py");
  EXPECT_EQ(PathTail("/usr/lib/python3/dist-packages/tool.py", 12), "...s/tool.py");
  EXPECT_EQ(PathTail("abcdef", 2), "..");
  EXPECT_EQ(PathTail("/x/\xC3\xA4\xC3\xA4\xC3\xA4", 6), "...\xC3\xA4") << "no half of a character";
}

TEST(ShortCommand, NamesProgramAndScriptByTheLastPartOfTheirPaths) {
  EXPECT_EQ(ShortCommand("/usr/bin/python3 /srv/a/long/way/to/build.py --jobs 4", 60),
            "python3 build.py --jobs 4");
  EXPECT_EQ(ShortCommand("/usr/bin/env", 60), "env");
  EXPECT_EQ(ShortCommand("sh -c cd /src/x/ && make", 60), "sh -c cd x && make");
  EXPECT_EQ(ShortCommand("curl -o /tmp/x https://host/a/b", 60), "curl -o x https://host/a/b");
  EXPECT_EQ(ShortCommand("[kworker]", 60), "[kworker]");
  EXPECT_EQ(ShortCommand("", 60), "");
  EXPECT_EQ(ShortCommand("/", 60), "/");
}

TEST(ShortCommand, CutsWhatComesLast) {
  EXPECT_EQ(ShortCommand("/usr/bin/python3 /srv/build.py --jobs 4 --verbose --keep-going", 30),
            "python3 build.py --jobs 4 ...");
  EXPECT_EQ(ShortCommand("python3 -B /srv/a_script_with_a_very_long_name_indeed.py x y z", 40),
            "python3 -B ...ry_long_name_indeed.py ...");
}

TEST(ShortCommand, KeepsItsLimit) {
  for (size_t limit = 16; limit < 80; ++limit) {
    for (const char* command :
         {"/usr/bin/python3 -u /srv/a_script_with_a_very_long_name_indeed.py x y z",
          "a b c d e f g h i j k l m n", "averyveryveryverylongnameofaprogramthatnobodywouldeverwantto run",
          "x /  /  / y", "  "}) {
      EXPECT_LE(ShortCommand(command, limit).size(), limit) << command;
    }
  }
}

}  // namespace
}  // namespace imagebatch
