#include "runner/waits/stacks.h"

#include <elf.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

#include "runner/proc/files.h"
#include "runner/proc/thread_status.h"
#include "runner/waits/shared_memory.h"

namespace imagebatch::runner {
namespace {

constexpr size_t kMostHeaders = 64;
constexpr size_t kPartBytes = size_t{64} << 10;  // of a segment; where the compiler puts what we look for
constexpr size_t kStatusBytes = 8192;

/// Up to `size` bytes of the file from `offset` on.
std::string ReadPart(const Descriptor& file, uint64_t offset, uint64_t size) {
  std::string part(std::min<uint64_t>(size, kPartBytes), '\0');
  const ssize_t length = pread(file.Get(), part.data(), part.size(), static_cast<off_t>(offset));
  part.resize(length > 0 ? static_cast<size_t>(length) : 0);
  return part;
}

/// An ELF note: the length of its name, 4; that of its content, any; its type, 4; its name, "Go".
bool HasGoNote(std::string_view notes) {
  constexpr std::string_view kTypeAndName("\4\0\0\0Go\0\0", 8);
  const size_t found = notes.find(kTypeAndName);
  return found != std::string_view::npos && found >= 8 &&
         notes.substr(found - 8, 4) == std::string_view("\4\0\0\0", 4);
}

bool HasBuildInformation(std::string_view data) {
  constexpr std::string_view kMagic = "\xff Go buildinf:";
  return data.find(kMagic) != std::string_view::npos;
}

bool IsJavaVm(std::string_view maps) { return maps.find("/libjvm.so") != std::string_view::npos; }

bool IsPython(const std::string& program, std::string_view maps) {
  const std::string name = program.substr(program.rfind('/') + 1);
  return name.starts_with("python") || maps.find("/libpython") != std::string_view::npos;
}

std::string ProgramOf(const std::string& process) {
  std::array<char, 4096> path{};
  const ssize_t length = readlink((process + "/exe").c_str(), path.data(), path.size());
  return length > 0 ? std::string(path.data(), static_cast<size_t>(length)) : std::string();
}

/// The signal that makes the process print its stacks; 0: none does.
int StackSignal(pid_t pid) {
  const std::string process = "/proc/" + std::to_string(pid);
  const auto status = ParseThreadStatus(ReadWhole((process + "/status").c_str(), kStatusBytes));
  if (!status) return 0;
  const bool quit = Catches(*status, SIGQUIT);
  const bool abort = Catches(*status, SIGABRT);
  if (!quit && !abort) return 0;
  const std::string maps = ReadMaps(pid);
  if (quit && (IsJavaVm(maps) || IsGoProgram(process + "/exe"))) return SIGQUIT;
  if (abort && IsPython(ProgramOf(process), maps)) return SIGABRT;
  return 0;
}

}  // namespace

size_t AskForStacks(const std::vector<ProcessStat>& processes) {
  size_t asked = 0;
  for (const ProcessStat& process : processes) {
    if (IsZombie(process)) continue;
    const int signal = StackSignal(process.pid);
    if (signal == 0) continue;
    // Python goes on to abort: a core of it would only fill the disk.
    const rlimit no_core{};
    if (prlimit(process.pid, RLIMIT_CORE, &no_core, nullptr) != 0) continue;
    if (kill(process.pid, signal) == 0) ++asked;
  }
  return asked;
}

bool IsGoProgram(const std::string& path) {
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.Open()) return false;
  Elf64_Ehdr header{};
  const std::string start = ReadPart(file, 0, sizeof header);
  if (start.size() < sizeof header || !start.starts_with(ELFMAG)) return false;
  memcpy(&header, start.data(), sizeof header);
  if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_phentsize != sizeof(Elf64_Phdr)) return false;
  const size_t count = std::min<size_t>(header.e_phnum, kMostHeaders);
  const std::string table = ReadPart(file, header.e_phoff, count * sizeof(Elf64_Phdr));
  for (size_t at = 0; at + sizeof(Elf64_Phdr) <= table.size(); at += sizeof(Elf64_Phdr)) {
    Elf64_Phdr segment{};
    memcpy(&segment, table.data() + at, sizeof segment);
    const bool data = segment.p_type == PT_LOAD && (segment.p_flags & PF_W) != 0;
    if (segment.p_type != PT_NOTE && !data) continue;
    const std::string part = ReadPart(file, segment.p_offset, segment.p_filesz);
    if (data ? HasBuildInformation(part) : HasGoNote(part)) return true;
  }
  return false;
}

}  // namespace imagebatch::runner
