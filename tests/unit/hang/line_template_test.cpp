#include "hang/line_template.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <initializer_list>
#include <random>
#include <string>

namespace imagebatch::hang {
namespace {

using Answer = LineTemplates::Answer;

class Drawer {
 public:
  std::string Word(size_t size) {
    std::string word;
    while (word.size() < size) word += static_cast<char>('a' + random_() % 26);
    return word;
  }

 private:
  std::minstd_rand random_{11};
};

TEST(LineTemplates, NamesAreNew) {
  LineTemplates templates;
  for (const char* form : {"Setting up %s (1.2-3) ...", "   Compiling %s v1.0.3", "test %s ... ok",
                           "tests/test_%s.py::test_one PASSED", "Collecting %s", "%s: done"}) {
    for (const char* name : {"libc6", "tzdata", "perl-base", "gcc", "curl", "libssl3", "git", "make", "gzip",
                             "serde", "tokio", "regex", "bytes", "hyper", "rayon"}) {
      char line[100];
      snprintf(line, sizeof line, form, name);
      const Answer answer = templates.Add(line);
      EXPECT_TRUE(answer == Answer::New || answer == Answer::Doubtful) << line;
    }
  }
}

/// From which line on all are the same; the first are in doubt.
int UnmaskedAt(LineTemplates& templates, const std::initializer_list<std::string>& parts, size_t size) {
  Drawer drawer;
  int unmasked = 0;
  for (int line = 1; line <= 30; ++line) {
    std::string text;
    for (const std::string& part : parts) text += (text.empty() ? "" : drawer.Word(size)) + part;
    const Answer answer = templates.Add(text);
    if (unmasked == 0 && answer == Answer::Unmasked) {
      unmasked = line;
      continue;
    }
    const Answer expected = unmasked > 0 ? Answer::Same : line == 1 ? Answer::New : Answer::Doubtful;
    EXPECT_EQ(answer, expected) << line << " " << text;
  }
  return unmasked;
}

TEST(LineTemplates, WhatIsDrawnAtRandomIsNot) {
  LineTemplates templates;
  EXPECT_LE(
      UnmaskedAt(templates, {"close: No space left on device: /var/lib/x/perm_", " (ENOSPC), retrying"}, 32),
      5);
  EXPECT_LE(UnmaskedAt(templates, {"waiting for pod/build-", " to be ready"}, 8), 6);
  EXPECT_LE(UnmaskedAt(templates, {"upload ", " to node ", " failed"}, 8), 6) << "two of them";
  EXPECT_LE(UnmaskedAt(templates, {"upload of ", "-", " failed"}, 8), 6) << "two of them, joined";
}

TEST(LineTemplates, ANameBesideWhatIsDrawnIsNew) {
  LineTemplates templates;
  Drawer drawer;
  for (const char* name : {"numpy", "requests", "flask", "django", "six", "lxml", "pyyaml", "cryptography"})
    EXPECT_EQ(templates.Add("building " + std::string(name) + " in /var/cache/" + drawer.Word(10)),
              Answer::New);
}

TEST(LineTemplates, WhereIdentifiersStandWhatMayBeOneIsOne) {
  LineTemplates templates;
  EXPECT_EQ(templates.Add("job_a8f3k2xq failed"), Answer::New);
  EXPECT_EQ(templates.Add("job_qzkfwxvb failed"), Answer::Same);
  EXPECT_EQ(templates.Add("job_install failed"), Answer::New);
}

TEST(LineTemplates, TheEndOfALongLineIsNotForgotten) {
  LineTemplates templates;
  const std::string start(LineTemplates::kLineBytes, 'x');
  EXPECT_EQ(templates.Add(start + " one"), Answer::New);
  EXPECT_EQ(templates.Add(start + " two"), Answer::New);
}

TEST(LineTemplates, IsBounded) {
  LineTemplates templates;
  Drawer drawer;
  for (int line = 0; line < 5000; ++line) {
    std::string text;
    for (int word = 0; word < line % 60; ++word) text += drawer.Word(3 + static_cast<size_t>(word) % 9) + " ";
    templates.Add(text);
  }
  EXPECT_EQ(templates.Add(""), Answer::New);
}

}  // namespace
}  // namespace imagebatch::hang
