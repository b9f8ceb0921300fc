// Why a command ends before it did its work: a sentence for people and the exit status of the contract.
#pragma once

#include <functional>
#include <stdexcept>
#include <string>

namespace socktrack {

class Failure : public std::runtime_error {
 public:
  Failure(int exit_status, const std::string& sentence)
      : std::runtime_error(sentence), exit_status_(exit_status) {}
  int exit_status() const { return exit_status_; }

 private:
  int exit_status_;
};

// Runs a command. What stops it is said on standard error, and is its exit status.
int exit_status_of(const std::function<int()>& command);

}  // namespace socktrack
