// What a stranger sends to the runner's port: the same answer however it is split, whole, and with the state
// for nothing but the one request.
#include <algorithm>
#include <string>

#include "fuzz/fuzz.h"
#include "runner/listener.h"

using namespace imagebatch;

namespace {

/// The answer to `text` in parts of `step` bytes; empty where it asks for more.
std::string AnswerTo(std::string_view text, size_t step, bool hung) {
  runner::ProgressRequest request;
  for (; !text.empty(); text.remove_prefix(std::min(step, text.size()))) {
    if (request.Add(text.substr(0, step))) return request.Answer(hung, "the state\n");
  }
  return {};
}

}  // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text = fuzz::Text(data, size);
  const uint8_t first = fuzz::TakeByte(text);
  const bool hung = (first & 1) != 0;
  const std::string answer = AnswerTo(text, text.size() + 1, hung);
  fuzz::Expect(answer == AnswerTo(text, 1 + first / 2U, hung), "splitting leaves the answer");
  fuzz::Expect(answer == AnswerTo(text, 1, hung), "to single bytes too");
  if (answer.empty()) {
    fuzz::Expect(text.size() < runner::ProgressRequest::kMostBytes, "it does not wait for ever");
    return 0;
  }
  const std::string_view view = answer;
  const size_t body = view.find("\r\n\r\n") + 4;
  fuzz::Expect(view.starts_with("HTTP/1.1 ") && body >= 4 && body <= view.size(), "an answer with a head");
  const std::string length = "Content-Length: " + std::to_string(view.size() - body) + "\r\n";
  fuzz::Expect(view.find(length) < body, "its length is right");
  const bool told = view.find("the state") != std::string_view::npos;
  const bool asked = text.starts_with("GET /progress");
  fuzz::Expect(!told || asked, "the state is for those who ask for it");
  fuzz::Expect(told == view.starts_with(hung ? "HTTP/1.1 503 " : "HTTP/1.1 200 "),
               "the status says the verdict");
  return 0;
}
