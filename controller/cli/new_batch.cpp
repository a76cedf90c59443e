#include "cli/new_batch.h"

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <set>
#include <sstream>

#include "base/counted.h"
#include "base/text.h"
#include "batch/image_reference.h"
#include "document/write.h"

namespace imagebatch::cli {
namespace {

constexpr size_t kMostImages = 2000;  // rows in the batch itself
constexpr size_t kMostContextBytes = 2000;

struct Builder {
  const char* name;
  const char* what;
  const char* note;       // a line of comment; empty: none
  const char* container;  // up to the context's argument
  const char* rest;       // behind it
  bool context_is_option;
};

// The entry points and the security contexts are those of BuildKit's examples/kubernetes and of Buildah's
// own image, as in manifests/samples.
constexpr std::array<Builder, 3> kBuilders{
    Builder{
        "buildkit-rootless", "rootless BuildKit",
        R"(# The namespace must allow Pod Security "privileged": BuildKit mounts and makes user namespaces.
)",
        R"(          image: moby/buildkit:rootless         # better a tag that stays: v0.34.2-rootless
          command: [buildctl-daemonless.sh]     # starts a buildkitd for this one build
          args:
          - build
          - --progress=plain
          - --frontend=dockerfile.v0
          # - --opt=filename=Dockerfile         # in the context
)",
        R"(          - --output=type=image,name=$(image),push=true
          env:
          # A Pod's /proc does not let it make another one for each RUN step
          - {name: BUILDKITD_FLAGS, value: --oci-worker-no-process-sandbox}
          - {name: DOCKER_CONFIG, value: /push}
          resources:
            requests: {cpu: "1", memory: 1Gi}
          securityContext:
            runAsUser: 1000                     # as the image has it
            runAsGroup: 1000
            seccompProfile: {type: Unconfined}
            appArmorProfile: {type: Unconfined}  # from Kubernetes 1.30 on
          volumeMounts:
          - {name: push, mountPath: /push, readOnly: true}
          - {name: state, mountPath: /home/user/.local/share/buildkit}
)",
        true},
    Builder{
        "buildkit-privileged", "privileged BuildKit",
        R"(# A build can do to its node whatever root can: use nodes of its own, or buildkit-rootless where that works.
)",
        R"(          image: moby/buildkit:latest           # better a tag that stays: v0.34.2
          command: [buildctl-daemonless.sh]     # starts a buildkitd for this one build
          args:
          - build
          - --progress=plain
          - --frontend=dockerfile.v0
          # - --opt=filename=Dockerfile         # in the context
)",
        R"(          - --output=type=image,name=$(image),push=true
          env:
          - {name: DOCKER_CONFIG, value: /push}
          resources:
            requests: {cpu: "1", memory: 1Gi}
          securityContext: {privileged: true}
          volumeMounts:
          - {name: push, mountPath: /push, readOnly: true}
          - {name: state, mountPath: /var/lib/buildkit}
)",
        true},
    Builder{"buildah", "Buildah without root",
            R"(# The namespace must allow Pod Security "privileged": Buildah mounts and makes user namespaces.
)",
            R"(          image: quay.io/buildah/stable:latest  # better a tag that stays
          # To build and to push are two commands, and so a shell. Values are its arguments, never its text.
          command: [sh, -ec, 'buildah build --tag "$1" "$2"; exec buildah push "$1"', sh]
          args:
          - $(image)
)",
            R"(          env:
          - {name: REGISTRY_AUTH_FILE, value: /push/config.json}
          - {name: BUILDAH_ISOLATION, value: chroot}  # the Pod is the sandbox of RUN steps
          - {name: STORAGE_DRIVER, value: vfs}        # works everywhere, but copies each layer; overlay needs /dev/fuse
          resources:
            requests: {cpu: "1", memory: 1Gi}
          securityContext:
            runAsUser: 1000                     # "build" in the image
            runAsGroup: 1000
            capabilities: {drop: [ALL], add: [SETUID, SETGID]}
            seccompProfile: {type: Unconfined}
            appArmorProfile: {type: Unconfined}  # from Kubernetes 1.30 on
          volumeMounts:
          - {name: push, mountPath: /push, readOnly: true}
          - {name: state, mountPath: /home/build/.local/share/containers}
)",
            false}};

/// "registry.example:5000/hello/one:v1" in parts. The tag is behind the last colon: a reference has one.
struct Parts {
  std::string registry;  // empty where the first part is no host
  std::string path, last, tag;
};

Parts PartsOf(const std::string& reference) {
  Parts parts;
  const size_t colon = reference.rfind(':'), slash = reference.find('/');
  const std::string repository = reference.substr(0, colon);
  parts.tag = reference.substr(colon + 1);
  parts.path = repository;
  // As docker tells a host from a path
  if (slash < colon) {
    const std::string first = repository.substr(0, slash);
    if (first == "localhost" || first.find_first_of(".:") != std::string::npos) {
      parts.registry = first;
      parts.path = repository.substr(slash + 1);
    }
  }
  parts.last = parts.path.substr(parts.path.rfind('/') + 1);
  return parts;
}

/// What the images are called: as short as they can be without being called alike.
std::vector<std::string> NamesOf(const std::vector<ListedImage>& images) {
  using NameOf = std::function<std::string(const Parts&)>;
  const std::array<NameOf, 4> kinds = {[](const Parts& of) { return of.last; },
                                       [](const Parts& of) { return of.tag; },
                                       [](const Parts& of) { return of.last + "-" + of.tag; },
                                       [](const Parts& of) { return of.path + ":" + of.tag; }};
  std::vector<std::string> names;
  for (const NameOf& name_of : kinds) {
    names.clear();
    for (const ListedImage& image : images) names.push_back(name_of(PartsOf(image.reference)));
    if (std::set(names.begin(), names.end()).size() == names.size()) return names;
  }
  names.clear();
  for (const ListedImage& image : images) names.push_back(image.reference);
  return names;
}

const Builder& Find(const std::string& name) {
  const auto* const found = std::find_if(kBuilders.begin(), kBuilders.end(),
                                         [&](const Builder& builder) { return builder.name == name; });
  return found == kBuilders.end() ? kBuilders.front() : *found;
}

}  // namespace

std::string ContextProblem(std::string_view context) {
  const size_t scheme = context.find("://");
  const auto in_scheme = [](char c) { return (c >= 'a' && c <= 'z') || c == '+'; };
  const bool url =
      scheme != std::string_view::npos && scheme > 0 &&
      std::all_of(context.begin(), context.begin() + static_cast<std::ptrdiff_t>(scheme), in_scheme);
  if (!url && !context.starts_with("git@"))
    return "is no URL of a Git repository or an archive, such as https://git.example/app.git#main:folder";
  if (context.size() > kMostContextBytes) return "is too long";
  const auto printable = [](char c) { return c > ' ' && c <= '~'; };
  if (!std::all_of(context.begin(), context.end(), printable)) return "has spaces or control characters";
  return "";
}

tl::expected<std::vector<ListedImage>, std::vector<std::string>> ReadImageList(const std::string& file,
                                                                               std::string_view text,
                                                                               std::string_view context) {
  std::vector<ListedImage> images;
  std::vector<std::string> problems;
  std::map<std::string, size_t> lines;
  size_t number = 0;
  const std::string called = file == "-" ? "standard input" : Printable(file, 300);
  const auto wrong = [&](const std::string& what) {
    problems.push_back(called + ":" + std::to_string(number) + ": " + what);
  };
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  std::istringstream in{std::string(text)};
  for (std::string line; std::getline(in, line);) {
    ++number;
    std::istringstream words(line);
    ListedImage image;
    std::string more;
    if (!(words >> image.reference) || image.reference[0] == '#') continue;
    words >> image.context >> more;
    const std::string problem = batch::ImageReferenceProblem(image.reference);
    const auto [at, is_new] = lines.emplace(image.reference, number);
    if (!problem.empty()) {
      wrong("image " + Quote(image.reference) + ": " + problem);
    } else if (!is_new) {
      wrong("image " + Quote(image.reference) + " is in line " + std::to_string(at->second) + ", too");
    } else if (!more.empty()) {
      wrong("more than an image and a context");
    } else if (!image.context.empty() && !context.empty()) {
      wrong("has a context, and so has --context; give one of them");
    } else if (image.context.empty() && context.empty()) {
      wrong("no context behind the image, and no --context");
    } else if (const std::string why = image.context.empty() ? "" : ContextProblem(image.context);
               !why.empty()) {
      wrong("context " + Quote(image.context) + " " + why);
    }
    images.push_back(std::move(image));
  }
  if (images.empty()) problems.push_back(called + ": has no images");
  if (images.size() > kMostImages) {
    problems.push_back(called + ": has " + std::to_string(images.size()) +
                       " images, and a batch file holds " + std::to_string(kMostImages) +
                       "; make ConfigMaps of them with imagebatch rows, and name those in spec.images");
  }
  if (!problems.empty()) return tl::unexpected(std::move(problems));
  return images;
}

std::vector<std::string> Builders() {
  std::vector<std::string> names;
  names.reserve(kBuilders.size());
  for (const Builder& builder : kBuilders) names.emplace_back(builder.name);
  return names;
}

std::string NewBatchFile(const NewBatch& batch) {
  const Builder& builder = Find(batch.builder);
  const std::vector<std::string> names = NamesOf(batch.images);
  const std::string registry = PartsOf(batch.images.front().reference).registry;
  const std::string context = batch.context.empty() ? "$(context)" : batch.context;
  std::ostringstream out;
  out << "# " << Counted(batch.images.size(), "image") << " with " << builder.what
      << ". Each build pushes with the login in the Secret \"push\":\n"
      << "#   kubectl create secret docker-registry push -n NAMESPACE --docker-server="
      << (registry.empty() ? "https://index.docker.io/v1/" : registry)
      << " \\\n#     --docker-username=NAME --docker-password=...\n"
      << builder.note << "# docs/batch.md explains all fields. Check it, and build:\n"
      << "#   imagebatch validate FILE && imagebatch apply -n NAMESPACE -f FILE\n"
      << "apiVersion: imagebatch.dev/v1alpha1\nkind: ImageBatch\nmetadata:\n  name: "
      << document::YamlString(batch.name) << R"(
spec:
  parallelism: 10                               # builds at once
  images:
    rows:
)";
  for (size_t i = 0; i < batch.images.size(); ++i) {
    const ListedImage& image = batch.images[i];
    out << "    - {name: " << document::YamlString(names[i])
        << ", push: " << document::YamlString(image.reference);
    if (!image.context.empty()) out << ", context: " << document::YamlString(image.context);
    out << "}\n";
  }
  out << R"(  stages:
  - name: image
    image: $(push)                              # of the row; $(image) below
    template:
      spec:
        containers:
        - name: build
)" << builder.container
      << "          - "
      << (builder.context_is_option || !batch.context.empty()
              ? document::YamlString((builder.context_is_option ? "--opt=context=" : "") + context)
              : context)
      << "\n"
      << builder.rest << R"(        volumes:
        - {name: push, secret: {secretName: push, items: [{key: .dockerconfigjson, path: config.json}]}}
        - {name: state, emptyDir: {}}
  hang:
    action: Flag                                # show a hung build and raise the alert; Retry and Fail end it, too
)";
  return out.str();
}

}  // namespace imagebatch::cli
