#include "runner/run.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <sstream>
#include <thread>

#include "runner/proc/proc_text.h"

namespace imagebatch::runner {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

std::vector<char*> Pointers(std::vector<std::string>& words) {
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

bool Await(const std::function<bool()>& condition) {
  const auto end = steady_clock::now() + seconds(120);
  while (steady_clock::now() < end) {
    if (condition()) return true;
    std::this_thread::sleep_for(milliseconds(10));
  }
  return condition();
}

std::string Content(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

std::vector<nlohmann::json> OwnLines(const std::string& text) {
  std::vector<nlohmann::json> own;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("{\"imagebatch\":")) own.push_back(nlohmann::json::parse(line));
  }
  return own;
}

bool Alive(pid_t pid) {
  const auto stat = ParseStat(Content("/proc/" + std::to_string(pid) + "/stat"));
  return stat && stat->state != 'Z' && stat->state != 'X';
}

std::vector<pid_t> Children(pid_t pid) {
  const std::string number = std::to_string(pid);
  std::istringstream text(Content("/proc/" + number + "/task/" + number + "/children"));
  return {std::istream_iterator<pid_t>(text), {}};
}

Scratch::Scratch() {
  std::string name = (std::filesystem::temp_directory_path() / "runner-test-XXXXXX").string();
  path_ = mkdtemp(name.data());
}

Scratch::~Scratch() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::vector<std::string> Shell(const std::string& script) { return {"sh", "-c", script}; }

Supervised::Supervised(const std::vector<std::string>& options, const std::vector<std::string>& command,
                       const std::vector<std::string>& environment) {
  std::vector<std::string> words = {RUNNER_BINARY};
  words.insert(words.end(), options.begin(), options.end());
  words.insert(words.end(), {"--state", scratch_ / "state", "--result", scratch_ / "result", "--"});
  words.insert(words.end(), command.begin(), command.end());
  std::vector<std::string> variables = environment;
  for (char** variable = environ; *variable != nullptr; ++variable) variables.emplace_back(*variable);

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 1, (scratch_ / "stdout").c_str(), O_WRONLY | O_CREAT, 0600);
  posix_spawn_file_actions_addopen(&actions, 2, (scratch_ / "stderr").c_str(), O_WRONLY | O_CREAT, 0600);
  posix_spawn_file_actions_addchdir_np(&actions, scratch_.Path().c_str());
  if (posix_spawn(&pid_, RUNNER_BINARY, &actions, nullptr, Pointers(words).data(),
                  Pointers(variables).data()) != 0) {
    pid_ = -1;
  }
  posix_spawn_file_actions_destroy(&actions);
}

Supervised::~Supervised() {
  if (!Running()) return;
  Signal(SIGTERM);
  if (Wait() == -1) Signal(SIGKILL);
}

bool Supervised::Running() {
  if (!ended_ && waitpid(pid_, &status_, WNOHANG) == pid_) ended_ = true;
  return pid_ > 0 && !ended_;
}

int Supervised::Wait() {
  const auto end = steady_clock::now() + seconds(120);
  while (Running()) {
    if (steady_clock::now() > end) return -1;
    std::this_thread::sleep_for(milliseconds(5));
  }
  return WIFEXITED(status_) ? WEXITSTATUS(status_) : 1000 + WTERMSIG(status_);
}

void Supervised::Signal(int signal) const { kill(pid_, signal); }

pid_t Supervised::RunnerPid() const {
  const std::vector<pid_t> children = Children(pid_);
  return children.empty() ? -1 : children.front();
}

bool Supervised::Hung() const {
  const nlohmann::json state = State();
  return state.is_object() && state["verdict"] == "Hung";
}

}  // namespace imagebatch::runner
