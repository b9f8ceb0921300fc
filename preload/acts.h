// The acts of the ladder on one socket whose slot is claimed. System calls only, on the program's descriptor
// table, without ever opening a descriptor: the dead end that `park` puts over a number is another leaked
// socket of the program, one that is shut down on both sides.
#pragma once

#include <cstdint>

#include "socktrack/recording.h"
#include "watch/surroundings.h"

namespace socktrack::acts {

struct Outcome {
  int error = 0;       // errno; 0 = done
  bool waits = false;  // park: shut down, but there is no dead end yet
  Rung reached = Rung::observe;
  std::uint32_t set_flags = 0;
  bool closed = false;
};

// Short keepalive, remembered and put back by restore_probes(). ENOBUFS: too many are under way.
Outcome probe(std::uint32_t fd, const Slot& slot, std::uint64_t now_ns);
Outcome finish(std::uint32_t fd);
Outcome park(const Subject& subject, Slot& slot);
Outcome close_number(const Subject& subject, const Slot& slot);

// The program's own keepalive settings back where a probe had its time, or all of them.
void restore_probes(std::uint64_t now_ns, bool all);

// True while park has nothing to put over a number, so that sockets are shut down one at a time.
bool has_dead_end();
// By slot_flag, once the kernel says CLOSE.
bool may_be_dead_end(std::uint32_t flags);

void after_fork();

}  // namespace socktrack::acts
