// Hooks of the calls that install filters and enter namespaces.
#include "preload/bodies.h"
#include "preload/hook.h"
#include "preload/real.h"
#include "preload/sandbox.h"

namespace socktrack {

HOOK(int, prctl, (int option, long a, long b, long c, long d)) {
  sandbox::before_prctl(option, static_cast<unsigned long>(a), reinterpret_cast<const void*>(b));
  return real.prctl(option, a, b, c, d);
}

// Hazard: a process with threads may not enter a user namespace, nor another's mounts; the thread that makes
// it so is ours. Rule: ours leave before the call and come back after it.
HOOK(int, unshare, (int flags)) {
  return unshare_body(flags, [&] { return real.unshare(flags); });
}

HOOK(int, setns, (int fd, int kinds)) {
  return setns_body(kinds, [&] { return real.setns(fd, kinds); });
}

}  // namespace socktrack
