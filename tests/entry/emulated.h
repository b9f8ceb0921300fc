// What qemu's user mode (7.2) cannot do for the program under it, so that tests of it are left out, and why.
#pragma once

#include <cstdio>
#include <string>

namespace entry {

struct LeftOut {
  const char* tests;  // a pattern of gtest_filter
  const char* reason;
};

inline constexpr LeftOut kLeftOut[] = {
    {"*preadv*", "no preadv2: libc turns to preadv, which fails on sockets"},
    {"*pwritev*", "no pwritev2"},
    {"*epoll_pwait2", "no epoll_pwait2"},
    {"*Cancelled*splice*", "a signal does not interrupt splice"},
    {"*CutControlData*", "MSG_CTRUNC is lost"},
    {"*execveat", "no execveat"},
    {"*EveryClone*", "clone makes threads and forks, nothing between"},
    {"*EveryVfork*clone", "clone makes threads and forks, nothing between"},
    {"Children.ForkedChildRecordsWithoutANumberToSpare",
     "such a file is made by a clone that shares memory alone"},
    {"*IsAnsweredByTheKernel/*unshare",
     "qemu has a thread of its own, which counts as another of the program"},
    {"Children.ManyForksWhileOthersCapture", "a storm of forks: half a minute"},
    {"Children.SilentForkIsNoticed", "MADV_WIPEONFORK is ignored"},
    {"*SearchesTheRunpathOfItsCaller/dlmopen",
     "in one process with the test of dlopen, what it looks for is there"},
};

// The filter that leaves them out, after naming each.
inline std::string filter_of_emulator() {
  std::string filter = "-";
  for (const LeftOut& each : kLeftOut) {
    std::printf("skipped under qemu: %s: %s\n", each.tests, each.reason);
    filter += std::string(filter.size() > 1 ? ":" : "") + each.tests;
  }
  return filter;
}

}  // namespace entry
