// What a seccomp filter that the program is about to install would answer to calls of ours.
#pragma once

#include <linux/filter.h>
#include <linux/seccomp.h>

#include <cstddef>
#include <cstdint>

namespace socktrack {

// For a copy of the program's filter. Two threads at once would be two filters: the worse one counts. Here
// and not where it is used: what is read at the start of every program lies there, and should lie close
// together.
extern sock_filter room_for_filter[BPF_MAXINSNS];

// The action of `filter` for one call, as the kernel would compute it. A filter the kernel would refuse
// gives SECCOMP_RET_KILL_PROCESS. Pure: no system call, no memory but the arguments.
std::uint32_t answer_of(const sock_filter* filter, std::size_t length, const seccomp_data& call);

// Whether recorder and watcher can go on under `filter`: nothing kills, traps or asks another process, and
// what they cannot do without is allowed.
bool leaves_us_alive(const sock_filter* filter, std::size_t length);
// ... and the same of the mitigation ladder.
bool lets_us_act(const sock_filter* filter, std::size_t length);

}  // namespace socktrack
