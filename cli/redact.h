// Takes out of a report what should not stand in a public issue.
#pragma once

#include "watch/report.h"

namespace socktrack {

// Every address becomes "host-N", the same one everywhere, and keeps its port; loopback stays. Names of UNIX
// sockets become "socket-N", homes in paths "/home/user", the place of the recording is left out.
void redact(Report& report);

// The homes in one stack.
void redact_stack(std::vector<Frame>& stack);

}  // namespace socktrack
