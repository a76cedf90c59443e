#include "cli/batch_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "support/repository.h"
#include "support/temporary_directory.h"

namespace imagebatch::cli {
namespace {

using ::testing::ElementsAre;

constexpr const char* kBatch = R"(apiVersion: imagebatch.dev/v1alpha1
kind: ImageBatch
metadata: {name: hello, namespace: builds}
spec:
  images:
    configMaps:
    - {name: rows, key: rows.jsonl}
  stages:
  - name: image
    image: registry.example/hello:$(name)
    template:
      spec:
        containers:
        - name: build
          image: builder:1
          command: [build, $(name)]
)";

constexpr const char* kRows = R"(---
apiVersion: v1
kind: ConfigMap
metadata: {name: rows, namespace: builds}
data:
  rows.jsonl: |
    {"name": "one"}
    {"name": "two"}
)";

class BatchFileTest : public ::testing::Test {
 protected:
  std::string File(const std::string& name, const std::string& text) const {
    directory_.Write(name, text);
    return directory_.path() / name;
  }
  /// What is wrong with a file of this text, without the directory.
  std::vector<std::string> Problems(const std::string& text) const {
    auto read = ReadBatchFile({File("batch.yaml", text)});
    if (read) return {};
    for (std::string& problem : read.error()) {
      EXPECT_TRUE(problem.starts_with(directory_.path().string() + "/")) << problem;
      problem.erase(0, directory_.path().string().size() + 1);
    }
    return read.error();
  }

 private:
  imagebatch::testing::TemporaryDirectory directory_;
};

std::string With(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST_F(BatchFileTest, ReadsABatchWithItsRowsFromOneFileOrSeveral) {
  for (const auto& files : {std::vector{File("a.yaml", std::string(kBatch) + kRows)},
                            std::vector{File("b.yaml", kRows), File("c.yaml", kBatch)}}) {
    const auto read = ReadBatchFile(files);
    ASSERT_TRUE(read) << read.error()[0];
    EXPECT_EQ(read->batch.name, "hello");
    ASSERT_EQ(read->expansion->builds.size(), 2U);
    EXPECT_EQ(read->expansion->builds[1].image, "registry.example/hello:two");
  }
}

TEST_F(BatchFileTest, TakesListsApartAndLeavesOtherObjectsAlone) {
  const auto read = ReadBatchFiles({File("list.json", R"json({"kind": "List", "items": [
      {"kind": "Namespace", "metadata": {"name": "builds"}},
      {"kind": "ImageBatch", "apiVersion": "imagebatch.dev/v1alpha1", "metadata": {"name": "x"}, "spec":
       {"images": {"rows": [{"name": "one"}]}, "stages": [{"name": "s", "image": "r.example/x:$(name)", "template":
        {"spec": {"containers": [{"name": "build", "image": "b:1", "command": ["b"]}]}}}]}}]})json")});
  ASSERT_TRUE(read) << read.error()[0];
  EXPECT_EQ(read->documents.size(), 2U);
  EXPECT_EQ(read->batches.size(), 1U);
}

TEST_F(BatchFileTest, SaysWhereAProblemIs) {
  const std::string whole = std::string(kBatch) + kRows;
  EXPECT_THAT(Problems(With(whole, "image: registry.example/hello", "imgae: registry.example/hello")),
              ElementsAre("batch.yaml:9:5: spec.stages[0].image: is required",
                          "batch.yaml:10:5: spec.stages[0].imgae: unknown field; did you mean image?"));
  EXPECT_THAT(
      Problems(With(whole, "[build, $(name)]", "[build, $(cat x)]")),
      ElementsAre("batch.yaml:16:28: spec.stages[0].template.spec.containers[0].command[1]: $(cat x) is "
                  "not a valid name; write $$(cat x) to keep the text as it is"));
  EXPECT_THAT(Problems(With(whole, R"({"name": "two"})", R"({"name": "two")")),
              ElementsAre(::testing::HasSubstr("ConfigMap rows/rows.jsonl line 2: ")));
}

TEST_F(BatchFileTest, SaysWhatIsNoBatchFile) {
  EXPECT_THAT(Problems("kind: ConfigMap\n"), ElementsAre("batch.yaml: has no object of kind ImageBatch"));
  EXPECT_THAT(Problems("a: b\n"),
              ElementsAre("batch.yaml:1:1: this is no Kubernetes object: it has no kind"));
  EXPECT_THAT(Problems("kind: ImageBatch\n,\n"), ElementsAre(::testing::HasSubstr("batch.yaml: line 2")));
  EXPECT_THAT(Problems(""), ElementsAre("batch.yaml: has no object of kind ImageBatch"));
  const auto none = ReadBatchFile({"/does/not/exist"});
  ASSERT_FALSE(none);
  EXPECT_THAT(none.error(), ElementsAre("/does/not/exist: cannot be read: No such file or directory"));
}

TEST_F(BatchFileTest, SaysThatRowsAreMissing) {
  EXPECT_THAT(Problems(kBatch),
              ElementsAre("batch.yaml: ConfigMap rows has its rows; give the file with it, too"));
  EXPECT_THAT(Problems(std::string(kBatch) + With(kRows, "namespace: builds", "namespace: other")),
              ElementsAre("batch.yaml: ConfigMap rows has its rows; give the file with it, too"));
  const auto read = ReadBatchFiles({File("alone.yaml", kBatch)});
  ASSERT_TRUE(read) << "what can be checked is right";
  EXPECT_THAT(read->batches[0].missing, ElementsAre("ConfigMap rows"));
}

TEST_F(BatchFileTest, WantsOneBatch) {
  const std::string inlined =
      With(kBatch, "    configMaps:\n    - {name: rows, key: rows.jsonl}\n", "    rows: [{name: one}]\n");
  EXPECT_THAT(ReadBatchFile({File("two.yaml", inlined + "---\n" + inlined)}).error(),
              ElementsAre("the files have 2 ImageBatches; give one of them"));
}

TEST(Samples, AreValid) {
  int batches = 0;
  for (const auto& sample : std::filesystem::directory_iterator(IMAGEBATCH_SOURCE_DIR "/manifests/samples")) {
    const std::string path = sample.path().string();
    const bool is_batch = sample.is_regular_file() && !sample.path().filename().string().starts_with("any-");
    if (!is_batch) continue;  // Jobs of others, and runner/
    const auto read = ReadBatchFiles({path});
    EXPECT_TRUE(read) << path;
    ++batches;
  }
  EXPECT_GT(batches, 8);
}

}  // namespace
}  // namespace imagebatch::cli
