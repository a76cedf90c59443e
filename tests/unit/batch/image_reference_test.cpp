#include "batch/image_reference.h"

#include <gtest/gtest.h>

#include <string>

namespace imagebatch::batch {
namespace {

TEST(ImageReference, IsValid) {
  for (const std::string& reference : {
           std::string("a:b"),
           std::string("repo/path:tag"),
           std::string("localhost/x:1"),
           std::string("localhost:5000/x:1"),
           std::string("10.88.0.1:5000/eval-env/astropy/astropy:4.3"),
           std::string("REGISTRY.example.com/a/b/c:v1.0_rc-1"),
           std::string("[::1]:5000/a:1"),
           std::string("registry.example/a__b/c-d/e---f/g.h/i_j:_tag"),
           std::string("a:") + std::string(128, 't'),
           std::string(255, 'n') + ":t",
       }) {
    EXPECT_EQ(ImageReferenceProblem(reference), "") << reference;
  }
}

struct Case {
  std::string reference, problem;
};

TEST(ImageReference, IsNotValid) {
  const std::string component =
      " must be lower-case letters and digits, with single . or _, __ or - between them";
  for (const Case& c : {
           Case{"", "is empty"},
           Case{"repo", "has no tag; add one, such as :$(name)"},
           Case{"localhost:5000/repo", "has no tag; add one, such as :$(name)"},
           Case{"r/i:t@sha256:0123", "has a digest; an image to push is named by a tag"},
           Case{"https://r/i:t", "is a URL; leave out the scheme"},
           Case{"r/i:", "tag is empty"},
           Case{"r/i:" + std::string(129, 't'), "tag is 129 characters, at most 128"},
           Case{"r/i:-t", "tag \"-t\" must begin with a letter, a digit or _"},
           Case{"r/i:a+b", "tag \"a+b\" may contain only letters, digits, _ . -"},
           Case{"r/i:a b", "tag \"a b\" may contain only letters, digits, _ . -"},
           Case{":t", "has no repository before the tag"},
           Case{std::string(256, 'n') + ":t", "name is 256 characters, at most 255"},
           Case{"r/Path:t", "path \"r/Path\" has upper-case letters, only lower case is allowed"},
           Case{"Image:t", "path \"Image\" has upper-case letters, only lower case is allowed"},
           Case{"r//i:t", "path has an empty component"},
           Case{"r/:t", "path has an empty component"},
           Case{"r/a..b:t", "path component \"a..b\"" + component},
           Case{"r/a___b:t", "path component \"a___b\"" + component},
           Case{"r/-a:t", "path component \"-a\"" + component},
           Case{"r/a-:t", "path component \"a-\"" + component},
           Case{"r/a$(x):t", "path component \"a$(x)\"" + component},
           Case{"r/\xC3\xA9:t", "path component \"\xC3\xA9\"" + component},
           Case{"ho_st:5000/i:t", "\"ho_st:5000\" is not a valid registry host[:port]"},
           Case{"host:50x0/i:t", "\"host:50x0\" is not a valid registry host[:port]"},
           Case{"-h.example/i:t", "\"-h.example\" is not a valid registry host[:port]"},
           Case{"h..example/i:t", "\"h..example\" is not a valid registry host[:port]"},
           Case{std::string("r/a\0b:t", 7), "path component \"a?b\"" + component},
       }) {
    EXPECT_EQ(ImageReferenceProblem(c.reference), c.problem) << c.reference;
  }
}

}  // namespace
}  // namespace imagebatch::batch
