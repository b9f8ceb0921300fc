// A descriptor table of a thread's own.
#pragma once

namespace socktrack {

// Gives the calling thread an empty descriptor table, which no other thread of the program sees. False: the
// kernel would not (seccomp); then the thread must open nothing.
// docs/decisions/0003-private-descriptor-table.md
bool enter_private_table();

// In a thread with a private table: a copy of the program's descriptor 2 for a moment, or -1. It is the
// program's stderr as it was at load, or a terminal or /dev/null, and never a socket; close it after use.
// Hazard of keeping it: a daemon that closes its stderr wants whoever reads the other end (ssh, $(...)) to
// see the end of it.
int borrow_standard_error();

// Remembers what descriptor 2 is at load. Later it is written to only while it is still that file: a program
// that closed it may have a database under the number.
void note_standard_error_file();

// The calling thread has the program's table, also when the main thread has left. Forgotten in a forked
// child.
void note_table_thread();
// ... and waits for what is to be written: the other may be at its end already.
void note_waiting_thread();
void forget_table_thread();

}  // namespace socktrack
