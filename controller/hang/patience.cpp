#include "hang/patience.h"

#include <algorithm>
#include <array>
#include <utility>

namespace imagebatch::hang {
namespace {

constexpr int kPatient = 3;

enum class In {
  Phase,        // a phase begins so
  PhaseWithin,  // it stands somewhere in a phase
  Line,         // the last line begins so
  Layer,        // or is of one layer of an image, "5c0b1d519321: TEXT"
  Command,  // a program and what it is told: in the process tree, in a RUN step, in a line of a traced shell
};

struct QuietActivity {
  In in;
  std::string_view text;
  std::string_view name;
};

constexpr QuietActivity kActivities[] = {
    // BuildKit 0.12 to 0.34: exporter/containerimage/{export,writer}.go, exporter/oci/export.go,
    // exporter/local/export.go, util/push/push.go
    {In::Phase, "exporting ", "an export"},  // layers, manifests, attestations
    {In::Phase, "sending tarball", "an export"},
    {In::Phase, "unpacking to ", "an export"},
    {In::Phase, "copying files", "an export"},
    {In::Phase, "pushing ", "a push"},
    // BuildKit: util/pull/pullprogress, cache/blobs. A layer was quiet for 2,430 s (caddyserver/caddy#6285)
    {In::Phase, "extracting", "unpacking a layer"},
    // BuildKit: cache/remotecache/{import,export}.go
    {In::Phase, "importing cache ", "a cache transfer"},
    {In::Phase, "preparing build cache ", "a cache transfer"},
    {In::Phase, "writing ", "a cache transfer"},  // layer, config, cache manifest
    // buildx 0.12 to 0.24: build/build.go, util/progress; docker load below it
    {In::Phase, "importing to docker", "an image load"},
    {In::Phase, "loading layer", "an image load"},
    {In::Phase, "resolving provenance for metadata file", "provenance"},
    // BuildKit: frontend/attestations/sbom
    {In::PhaseWithin, "generating sbom using ", "an attestation"},

    // apt 2.6, dpkg 1.21
    {In::Line, "Reading package lists", "apt"},
    {In::Line, "Building dependency tree", "apt"},
    {In::Line, "Reading database", "dpkg"},
    {In::Line, "(Reading database", "dpkg"},
    {In::Line, "Preparing to unpack ", "dpkg"},
    {In::Line, "Unpacking ", "dpkg"},
    {In::Line, "Setting up ", "dpkg"},
    {In::Line, "Processing triggers for ", "dpkg"},

    // docker 20 to 28 without a terminal: moby pkg/streamformatter, distribution/{pull,push}_v2.go
    {In::Layer, "Pulling fs layer", "an image pull"},
    {In::Layer, "Waiting", "an image pull"},
    {In::Layer, "Downloading", "an image pull"},
    {In::Layer, "Verifying Checksum", "an image pull"},
    {In::Layer, "Download complete", "an image pull"},
    {In::Layer, "Extracting", "an image pull"},
    {In::Line, "The push refers to repository ", "a push"},
    {In::Layer, "Preparing", "a push"},
    {In::Layer, "Pushing", "a push"},
    {In::Layer, "Layer already exists", "a push"},

    // podman, buildah and skopeo: containers/image copy/copy.go, buildah commit.go and imagebuildah
    {In::Line, "Trying to pull ", "an image pull"},
    {In::Line, "Getting image source signatures", "an image copy"},
    {In::Line, "Copying blob ", "an image copy"},
    {In::Line, "Copying config ", "an image copy"},
    {In::Line, "Writing manifest to image destination", "an image copy"},
    {In::Line, "Storing signatures", "an image copy"},
    {In::Line, "COMMIT ", "a commit"},

    // kaniko 1.23: pkg/executor/{build,push}.go, pkg/snapshot/snapshot.go, pkg/util/fs_util.go
    {In::Line, "Unpacking rootfs ", "unpacking a layer"},
    {In::Line, "Extracting layer ", "unpacking a layer"},
    {In::Line, "Taking snapshot of ", "a snapshot"},
    {In::Line, "Pushing image to ", "a push"},
    {In::Line, "Pushing layer ", "a push"},

    // containerd's ctr 1.6 and 2.0: cmd/ctr/commands/images
    {In::Line, "unpacking linux/", "unpacking a layer"},

    // docs.docker.com/reference/cli/docker and docs.podman.io: say next to nothing without a terminal, or
    // nothing at all; the daemon does the work
    {In::Command, "docker pull", "an image pull"},
    {In::Command, "docker image pull", "an image pull"},
    {In::Command, "docker compose pull", "an image pull"},
    {In::Command, "docker push", "a push"},
    {In::Command, "docker image push", "a push"},
    {In::Command, "docker compose push", "a push"},
    {In::Command, "docker load", "an image load"},
    {In::Command, "docker image load", "an image load"},
    {In::Command, "docker import", "an image load"},
    {In::Command, "docker image import", "an image load"},
    {In::Command, "docker save", "an image save"},
    {In::Command, "docker image save", "an image save"},
    {In::Command, "docker export", "an image save"},
    {In::Command, "docker container export", "an image save"},
    {In::Command, "docker commit", "a commit"},
    {In::Command, "docker container commit", "a commit"},
    {In::Command, "docker system prune", "a prune"},
    {In::Command, "docker image prune", "a prune"},
    {In::Command, "docker builder prune", "a prune"},
    {In::Command, "docker buildx prune", "a prune"},
    {In::Command, "docker container prune", "a prune"},
    {In::Command, "docker volume prune", "a prune"},
    {In::Command, "docker rmi", "a prune"},
    {In::Command, "docker image rm", "a prune"},
    {In::Command, "docker buildx imagetools", "an image copy"},
    // docker.com/compose 1.29; docker/buildx as a program of its own
    {In::Command, "docker-compose pull", "an image pull"},
    {In::Command, "docker-compose push", "a push"},
    {In::Command, "docker-buildx prune", "a prune"},
    {In::Command, "docker-buildx imagetools", "an image copy"},
    // BuildKit: cmd/buildctl
    {In::Command, "buildctl prune", "a prune"},
    // buildah(1), skopeo(1)
    {In::Command, "buildah pull", "an image pull"},
    {In::Command, "buildah push", "a push"},
    {In::Command, "buildah commit", "a commit"},
    {In::Command, "buildah prune", "a prune"},
    {In::Command, "buildah rmi", "a prune"},
    {In::Command, "skopeo copy", "an image copy"},
    {In::Command, "skopeo sync", "an image copy"},
    // ctr, google/go-containerregistry cmd/crane, regclient, oras, umoci
    {In::Command, "ctr images pull", "an image pull"},
    {In::Command, "ctr images push", "a push"},
    {In::Command, "ctr images import", "an image load"},
    {In::Command, "ctr images export", "an image save"},
    {In::Command, "crane pull", "an image pull"},
    {In::Command, "crane push", "a push"},
    {In::Command, "crane copy", "an image copy"},
    {In::Command, "crane append", "a push"},
    {In::Command, "regctl image", "an image copy"},
    {In::Command, "oras push", "a push"},
    {In::Command, "oras pull", "an image pull"},
    {In::Command, "umoci unpack", "unpacking a layer"},
    {In::Command, "umoci repack", "a commit"},
};

/// Words that mean the same as the one of the table.
struct Alias {
  std::string_view word, means;
};
constexpr Alias kPrograms[] = {{"podman", "docker"}, {"nerdctl", "docker"}, {"docker.exe", "docker"}};
constexpr Alias kWords[] = {{"i", "images"}, {"image", "images"}, {"cp", "copy"}};

constexpr std::string_view kInterpreters[] = {"python", "bash", "sh", "dash", "node", "perl", "ruby"};

/// Daemons and programs that run steps themselves, and what runs them below.
constexpr std::string_view kBuilders[] = {"buildkitd", "dockerd",  "containerd", "buildah",
                                          "podman",    "executor", "kaniko",     "img",
                                          "runc",      "crun",     "makisu",     "buildkit-runc"};

std::string_view NameOf(std::string_view path) {
  return path.substr(path.rfind('/') + 1);  // npos + 1 is 0
}

std::string_view TakeWord(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  const std::string_view word = text.substr(0, text.find(' '));
  text.remove_prefix(word.size());
  return word;
}

template <size_t kCount>
std::string_view MeaningOf(std::string_view word, const Alias (&aliases)[kCount]) {
  for (const Alias& alias : aliases) {
    if (word == alias.word) return alias.means;
  }
  return word;
}

bool SameWord(std::string_view word, std::string_view wanted) {
  return word == wanted || MeaningOf(word, kWords) == wanted;
}

bool IsInterpreter(std::string_view name) {
  return std::any_of(std::begin(kInterpreters), std::end(kInterpreters), [name](std::string_view each) {
    return name.starts_with(each) &&
           name.find_first_not_of("0123456789.", each.size()) == std::string_view::npos;
  });
}

/// From the program's own name on.
std::span<const std::string_view> Program(std::span<const std::string_view> arguments) {
  if (arguments.empty() || !IsInterpreter(NameOf(arguments.front()))) return arguments;
  for (size_t index = 1; index < arguments.size(); ++index) {
    if (!arguments[index].starts_with('-')) return arguments.subspan(index);
    if (arguments[index] == "-c" || arguments[index] == "-m") break;
  }
  return arguments;
}

/// Whether `arguments`, with options and their values anywhere between, begin with the words of `command`.
bool Matches(std::span<const std::string_view> arguments, std::string_view command) {
  std::string_view wanted = TakeWord(command);
  const std::string_view name = NameOf(arguments.front());
  if (name != wanted && MeaningOf(name, kPrograms) != wanted) return false;
  wanted = TakeWord(command);
  bool after_option = false;
  for (std::string_view argument : arguments.subspan(1)) {
    if (wanted.empty()) break;
    if (argument.starts_with('-')) {
      after_option = argument.find('=') == std::string_view::npos;
    } else if (SameWord(argument, wanted)) {
      wanted = TakeWord(command);
      after_option = false;
    } else if (!std::exchange(after_option, false)) {
      return false;
    }
  }
  return wanted.empty();
}

/// "#7 12.34 Setting up x" without what BuildKit puts before a program's own line, and "INFO[0012] Taking"
/// without what kaniko does.
std::string_view WithoutStep(std::string_view line) {
  if (line.starts_with("INFO[")) {
    const size_t end = line.find("] ");
    return end == std::string_view::npos ? line : line.substr(end + 2);
  }
  if (!line.starts_with('#')) return line;
  for (int word = 0; word < 2; ++word) {
    const size_t space = line.find(' ');
    if (space == std::string_view::npos) return line;
    line.remove_prefix(space + 1);
  }
  return line;
}

/// "Extracting" of "5c0b1d519321: Extracting"; empty for any other line.
std::string_view LayerStatus(std::string_view line) {
  constexpr size_t kDigits = 12;
  if (line.size() < kDigits + 2 || line.substr(kDigits, 2) != ": ") return {};
  if (line.find_first_not_of("0123456789abcdef") != kDigits) return {};
  return line.substr(kDigits + 2);
}

/// The command of a line that a shell has traced ("+ docker pull x"), of a RUN step or of one that a CI shows
/// ("$ docker pull x"); empty for any other.
std::string_view Traced(std::string_view line) {
  const size_t start = line.find_first_not_of('+');
  if (start != 0 && start != std::string_view::npos && line[start] == ' ') return line.substr(start + 1);
  return line.starts_with("$ ") ? line.substr(2) : std::string_view();
}

std::string_view QuietText(std::string_view text) {
  std::array<std::string_view, 16> words;
  size_t count = 0;
  while (count < words.size()) {
    const std::string_view word = TakeWord(text);
    if (word.empty()) break;
    words[count++] = word;
  }
  return QuietCommand({words.data(), count});
}

/// Of all the commands of a RUN step.
std::string_view QuietStep(std::string_view phase) {
  if (!IsRunStep(phase)) return {};
  phase.remove_prefix(phase.find("RUN ") + 4);
  while (!phase.empty()) {
    const size_t end = phase.find_first_of(";&|");
    if (const std::string_view name = QuietText(phase.substr(0, end)); !name.empty()) return name;
    if (end == std::string_view::npos) break;
    phase.remove_prefix(end + 1);
  }
  return {};
}

}  // namespace

std::string_view QuietCommand(std::span<const std::string_view> arguments) {
  const auto program = Program(arguments);
  if (program.empty()) return {};
  for (const QuietActivity& activity : kActivities) {
    if (activity.in == In::Command && Matches(program, activity.text)) return activity.name;
  }
  return {};
}

bool IsBuilder(std::span<const std::string_view> arguments) {
  const auto program = Program(arguments);
  if (program.empty()) return false;
  const std::string_view name = NameOf(program.front());
  return name.starts_with("containerd-shim") ||
         std::find(std::begin(kBuilders), std::end(kBuilders), name) != std::end(kBuilders);
}

bool IsRunStep(std::string_view phase) {
  if (phase.starts_with('[')) return phase.find("] RUN ") != std::string_view::npos;
  return (phase.starts_with("Step ") || phase.starts_with("STEP ")) &&
         phase.find(": RUN ") != std::string_view::npos;
}

Patience PatienceOf(std::string_view phase, std::string_view last_line, std::string_view command) {
  const std::string_view line = WithoutStep(last_line);
  for (const QuietActivity& activity : kActivities) {
    const std::string_view text = activity.text;
    if ((activity.in == In::Phase && phase.starts_with(text)) ||
        (activity.in == In::PhaseWithin && phase.find(text) != std::string_view::npos) ||
        (activity.in == In::Line && line.starts_with(text)) ||
        (activity.in == In::Layer && LayerStatus(line).starts_with(text)))
      return {kPatient, activity.name};
  }
  for (const std::string_view name : {command, QuietText(Traced(line)), QuietStep(phase)}) {
    if (!name.empty()) return {kPatient, name};
  }
  return {};
}

}  // namespace imagebatch::hang
