// Sandboxes: filters under which a call of ours could kill the program, and namespaces that a process with
// threads cannot enter.
//
//   installed by the program   The hook sees the filter before the kernel does. If it leaves us alive,
//                              nothing changes. If not, the recording is ended with BlindSpot::sandboxed, our
//                              threads leave, and from then on no call is made beside the program's own.
//   inherited over exec        Nobody can read it. Where everybody lives under it (a container, a unit of
//                              systemd), calls that ordinary programs do not make are not made (pidfd_getfd
//                              is outside @system-service). Where it came with this program, no call of ours
//                              is made at all: docs/decisions/0011-inherited-filters.md
#pragma once

#include <atomic>

#include "socktrack/recording.h"
#include "watch/inherited_filter.h"

namespace socktrack::sandbox {

// Written once in each program that has no filter: zero is the rare case.
extern std::atomic<bool> speaking_flag;

// No system call of ours: not before start() has allowed it, and after fall_silent() never again, in this
// process and its children.
inline bool silent() { return !speaking_flag.load(std::memory_order_relaxed); }

// The recording ends here, and says why.
void fall_silent(BlindSpot why);

// Called by the constructor, before any call that the loader has not just made itself. False: stay out.
bool start();
// What /proc told then; opening a file there is dear, so it is asked once for everybody.
const StatusFacts& status_at_load();
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
