#include "report/buildkit.h"

#include <gtest/gtest.h>

#include "support/repository.h"

namespace imagebatch::report {
namespace {

TEST(BuildKitTest, OfARecordedBuild) {
  const BuildKitTimes times = ReadBuildKitLog(FileText("tests/data/buildkit/packages.plain"));
  EXPECT_EQ(times.context, 0.0);
  EXPECT_EQ(times.image_export, 82.4);
  EXPECT_EQ(times.export_manifest, 0.0);
  EXPECT_EQ(times.cached_steps, 0);
  EXPECT_EQ(times.cache_import_misses, 0);
  EXPECT_FALSE(times.cache_import);
  EXPECT_FALSE(times.cache_export);
  EXPECT_FALSE(times.push_layers);
}

TEST(BuildKitTest, OfABuildThatWasCutOffOnlyWhatEnded) {
  for (const char* name : {"heartbeat", "silent"}) {
    const BuildKitTimes times =
        ReadBuildKitLog(FileText(std::string("tests/data/buildkit/") + name + ".plain"));
    EXPECT_TRUE(times.cached_steps) << name;
    EXPECT_FALSE(times.image_export) << name;
  }
}

// As printed with registry caches and a push (util/progress/progressui/printer.go).
constexpr const char* kWithCaches = R"(#3 [internal] load build context
#3 transferring context: 2.1MB 0.4s done
#3 DONE 0.5s

#4 importing cache manifest from r.example/cache:main
#4 inferred cache manifest type: application/vnd.oci.image.index.v1+json done
#4 DONE 1.5s

#5 importing cache manifest from r.example/cache:branch
#5 ERROR: r.example/cache:branch: not found

#6 [1/3] FROM r.example/base:1
#6 CACHED

#7 [2/3] RUN apt-get update
#7 CACHED

#8 [3/3] RUN make
#8 0.125 #9 DONE 77.0s
#8 DONE 10.0s

#9 exporting to image
#9 exporting layers
#9 exporting layers 6.9s done
#9 exporting manifest sha256:e370 0.1s done
#9 exporting config sha256:e371 0.1s done
#9 exporting manifest list sha256:e372 0.25s done
#9 pushing layers
#9 pushing layers 3.3s done
#9 pushing manifest for r.example/x:1@sha256:e370 1.2s done
#9 DONE 12.5s

#10 exporting cache to registry
#10 preparing build cache for export
#10 writing layer sha256:aa 1.0s done
#10 DONE 36.2s
)";

TEST(BuildKitTest, OfABuildWithRegistryCaches) {
  const BuildKitTimes times = ReadBuildKitLog(kWithCaches);
  EXPECT_EQ(times.context, 0.5);
  EXPECT_EQ(times.cache_import, 1.5);
  EXPECT_EQ(times.cache_import_misses, 1);
  EXPECT_EQ(times.cached_steps, 2);
  EXPECT_EQ(times.image_export, 12.5);
  EXPECT_EQ(times.push_layers, 3.3);
  ASSERT_TRUE(times.export_manifest);
  EXPECT_NEAR(*times.export_manifest, 0.35, 1e-9);
  EXPECT_EQ(times.cache_export, 36.2);
}

TEST(BuildKitTest, WindowsLineEndsChangeNothing) {
  std::string text = kWithCaches;
  for (size_t at = 0; (at = text.find('\n', at)) != std::string::npos; at += 2) text.insert(at, "\r");
  EXPECT_EQ(ReadBuildKitLog(text).cache_export, 36.2);
  EXPECT_EQ(ReadBuildKitLog(text).cached_steps, 2);
}

TEST(BuildKitTest, AStepThatEndsTwiceCountsOnce) {
  const BuildKitTimes times = ReadBuildKitLog(
      "#12 exporting to image\n#12 DONE 0.5s\n#13 exporting cache to client directory\n#13 DONE 0.3s\n"
      "#12 pushing layers 12.0s done\n#12 DONE 12.6s\n");
  EXPECT_EQ(times.image_export, 12.6);
  EXPECT_EQ(times.push_layers, 12.0);
}

TEST(BuildKitTest, TheCacheOfGitHubIsACache) {
  const BuildKitTimes times = ReadBuildKitLog(
      "#31 exporting to GitHub Actions Cache\n#31 preparing build cache for export 600.3s done\n#31 DONE "
      "601.0s\n");
  EXPECT_EQ(times.cache_export, 601.0);
  EXPECT_FALSE(times.image_export);
}

TEST(BuildKitTest, OfAnotherLogNothing) {
  for (const char* text :
       {"", "\n\n", "make: done\n# a comment\n#include <x>\n#0 [x]\n#1\n", "#1 DONE 5.0s\n"}) {
    const BuildKitTimes times = ReadBuildKitLog(text);
    EXPECT_FALSE(times.cached_steps) << text;
    EXPECT_FALSE(times.image_export) << text;
  }
}

TEST(BuildKitTest, HostileTimesAreNone) {
  for (const char* time :
       {"-1.0s", "nan s", "nans", "infs", "1e300s", "99999999999999999s", "5", "5.0", "5.0s x"}) {
    const BuildKitTimes times = ReadBuildKitLog(std::string("#1 exporting to image\n#1 DONE ") + time + "\n");
    EXPECT_FALSE(times.image_export) << time;
  }
}

TEST(BuildKitTest, StepsWithoutEndAreBounded) {
  BuildKitLog log;
  for (int i = 1; i <= 20000; ++i) {
    log.Add("#" + std::to_string(i) + " [1/1] RUN x");
    log.Add("#" + std::to_string(i) + " CACHED");
  }
  EXPECT_EQ(log.Times().cached_steps, static_cast<int>(BuildKitLog::kSteps));
}

}  // namespace
}  // namespace imagebatch::report
