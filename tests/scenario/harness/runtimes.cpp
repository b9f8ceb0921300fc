#include "harness/runtimes.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "harness/process.h"
#include "harness/socktrack.h"

namespace scenario {

std::vector<Python> pyenv_pythons() {
  const char* home = std::getenv("HOME");
  const std::filesystem::path versions =
      std::filesystem::path(home == nullptr ? "/" : home) / ".pyenv/versions";
  std::error_code none;
  std::vector<Python> found;
  for (const auto& version : std::filesystem::directory_iterator(versions, none)) {
    const std::string python = version.path() / "bin/python3";
    const std::string name = version.path().filename();
    const int minor = name.starts_with("3.") ? std::atoi(name.c_str() + 2) : 0;
    if (access(python.c_str(), X_OK) != 0 || minor < 8 || (sanitizer() == "thread" && minor == 13)) continue;
    found.push_back({python, minor});
  }
  return found;
}

Certificate make_certificate(const std::string& directory) {
  Certificate made{directory + "/certificate.pem", directory + "/key.pem", ""};
  const Outcome outcome =
      run({"openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost",
           "-addext", "subjectAltName=DNS:localhost", "-keyout", made.key, "-out", made.certificate});
  if (outcome.status != 0) made.error = "openssl: " + outcome.err;
  return made;
}

}  // namespace scenario
