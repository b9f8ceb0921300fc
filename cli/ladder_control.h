// Changes the settings of the mitigation ladder in a running process, through the recording it has mapped:
// no signal, no connection, no descriptor in the program.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "socktrack/recording.h"

namespace socktrack {

class RemoteLadder {
 public:
  // Throws Failure if the recording is not ours to write or cannot be.
  RemoteLadder(int pid, const std::string& recording);

  LadderPolicy active() const;
  // Both wait until the process works by it, or has answered. Throw Failure if it does not.
  void set(const LadderPolicy& policy);
  void plan(const LadderPolicy& policy);  // a dry run: the answers are in the accusations then

 private:
  void write(SharedPolicy& shared, const LadderPolicy& policy) const;
  void await(const SharedPolicy& shared, const std::atomic<std::uint32_t>& reached) const;

  int pid_;
  std::shared_ptr<LadderControl> control_;
};

}  // namespace socktrack
