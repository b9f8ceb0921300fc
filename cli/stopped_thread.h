// Stops one thread of another process for a look and lets it go on as if nothing had happened.
#pragma once

#include <functional>
#include <string>

namespace socktrack {

// Calls `look`, in a tracing thread of its own, while thread `tid` of `pid` stands still; the other threads
// run on, so the locks they hold are released. Afterwards:
//   - a system call that our stop made fail with EINTR is issued again (its timeout starts anew), so
//     the program sees none; one that a signal of the program interrupted still fails with EINTR;
//   - every signal that arrived meanwhile is delivered.
// One thing the kernel does not let us hide: a signal without a handler (SIGWINCH, SIGCHLD), which
// interrupts nothing in an untraced process, interrupts in the moments a thread is traced.
//
// Returns "" or, as a sentence, why this thread could not be stopped: it ended, it is stopped by job
// control, somebody traces it, it is in uninterruptible sleep. Throws std::runtime_error if the whole
// process may not be traced, and what `look` throws.
std::string with_stopped_thread(int pid, int tid, const std::function<void()>& look);

}  // namespace socktrack
