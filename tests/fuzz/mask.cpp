// Secrets in command lines and output: hidden wherever they stand, and nothing grows without bound.
#include "base/mask.h"

#include <algorithm>
#include <cctype>
#include <string>

#include "fuzz/fuzz.h"

using namespace imagebatch;

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = fuzz::Text(data, size);
  const std::string masked = MaskSecrets(text);
  fuzz::Expect(masked.size() <= 4 * text.size(), "at most three stars for each byte");
  fuzz::Expect(masked.find('\0') == std::string::npos, "arguments are parted by spaces");

  std::string secret = "Q7";  // in capitals, which the text around it has not
  for (char byte : text) {
    if (std::isalnum(static_cast<unsigned char>(byte)) != 0 && secret.size() < 40)
      secret += static_cast<char>(std::toupper(static_cast<unsigned char>(byte)));
  }
  const std::string before = "make all ", after = " --verbose";
  for (const std::string& with : {"--password=" + secret, "--token " + secret, "API_KEY=" + secret,
                                  "https://user:" + secret + "@host.example/", "--secret='" + secret + "'",
                                  "Authorization: Bearer " + secret}) {
    fuzz::Expect(MaskSecrets(before + with + after).find(secret) == std::string::npos,
                 "the secret is hidden");
  }
  std::string arguments = "curl";
  arguments += '\0';
  arguments += "--password";
  arguments += '\0';
  arguments += secret;
  fuzz::Expect(MaskSecrets(arguments).find(secret) == std::string::npos, "an argument of its own");
  return 0;
}
