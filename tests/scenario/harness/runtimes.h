// Interpreters and certificates for programs of the tests.
#pragma once

#include <string>
#include <vector>

namespace scenario {

struct Python {
  std::string path;
  int minor;  // of 3.x
};

// Those that pyenv has here, from 3.8 on (create_server came with it). Under TSan without 3.13: its allocator
// makes a system call before TSan has begun.
std::vector<Python> pyenv_pythons();

// Of localhost, for a day, made by openssl.
struct Certificate {
  std::string certificate, key;  // paths
  std::string error;             // what openssl said if it failed
};
Certificate make_certificate(const std::string& directory);

}  // namespace scenario
