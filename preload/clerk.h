// The clerk: the thread that reads /proc for the hand and writes the audit. It has a descriptor table of its
// own (docs/decisions/0003), so the hand itself opens nothing. Exists only once the ladder was armed or
// asked.
#pragma once

#include <cstddef>

#include "watch/audit.h"
#include "watch/surroundings.h"

namespace socktrack::clerk {

inline constexpr std::size_t kMostSubjects = 1024;

// Both wait for the answer, at most two seconds. False: there is none, nothing may be done.
// Only for the hand's thread.
bool name_groups();  // fills in the fingerprints of all groups
bool look_around(Subject* subjects, std::size_t count);

// One line for the audit; never waits, counts in LadderControl::audit_lost when the clerk is far behind.
void note(const AuditEntry& entry);
// At the end of the process: until all lines are written, at most a second.
void finish();

// The thread ends, after what it was asked: see watcher::retire(). The next question starts another.
void retire();
bool is_running();

void after_fork();

}  // namespace socktrack::clerk
