// Sandboxes: filters under which a call of ours could kill the program, and namespaces that a process with
// threads cannot enter.
//
//   installed by the program   The hook sees the filter before the kernel does. If it leaves us alive,
//   nothing
//                              changes. If not, the recording is ended with BlindSpot::sandboxed, our threads
//                              leave, and from then on no call is made beside the program's own.
//   inherited over exec        Nobody can read it. Calls that ordinary programs do not make are not made
//                              (pidfd_getfd is outside systemd's @system-service).
#pragma once

#include <atomic>

#include "socktrack/recording.h"

namespace socktrack::sandbox {

extern std::atomic<bool> silent_flag;

// No system call of ours any more, in this process and its children. Never taken back.
inline bool silent() { return silent_flag.load(std::memory_order_relaxed); }

// The recording ends here, and says why.
void fall_silent(BlindSpot why);

// Called by the constructor.
void start();
// False: a filter would kill for what the mitigation ladder does. One that was there before us is trusted
// with it: they are calls that ordinary programs make.
bool may_act();
bool filtered();  // a filter was there when we were loaded, or came since

// Called before the real call, with its arguments. Keep errno.
void before_prctl(int option, unsigned long mode, const void* filter);
void before_seccomp(unsigned operation, unsigned flags, const void* filter);

// Around unshare and setns. The answer goes into after_namespace.
bool before_unshare(int flags);
bool before_setns(int kinds);
void after_namespace(bool paused);

}  // namespace socktrack::sandbox
