// Which process and which thread are we in? Decides whether a hook may touch the table at all.
#pragma once

#include <atomic>
#include <cstdint>

namespace socktrack::process {

// True on threads of socktrack itself: their descriptors are not the program's.
// Initial-exec: a lookup must never allocate (pitfalls: lazily allocated TLS mallocs in the hook).
extern __thread bool ours __attribute__((tls_model("initial-exec")));

// True on a thread of the program that left the program's descriptor table: `ours` is true there too, so that
// its calls are passed through.
extern __thread bool apart __attribute__((tls_model("initial-exec")));

// Called by the constructor. Registers for fork and notes the process.
void start();

// True if this process owns the table. One raw getpid(), 50 to 150 ns.
//   Hazard: a vfork child runs in our memory with descriptors of its own; CPython's subprocess calls
//   close_range there. Recording it would erase the parent's table (stacks.md F, pthread_atfork does not
//   see it). A child of _Fork or clone has memory of its own but ran no handler: it is made at home here.
// False: pass the call through and write nothing.
bool at_home();

// The same without a system call, for what happens once or more per connection, as long as nobody was seen to
// make a process in this memory (vfork, clone, syscall); from then on at_home().
//   Hazard: who makes one past us, by code of its own or by a vfork that dlsym found, has a child that passes
//   for us. Rule: it costs sockets lost from sight, no more; whatever ends a recording, covers ranges of
//   numbers or acts on a socket asks at_home().
bool seems_at_home();

// Somebody is about to make a process that runs in this memory.
void note_shared_memory();

// True if /proc knows this process by another number: it is in a PID namespace that has no /proc of its own,
// as sandboxes make them.
//   Hazard: they look whether they have one thread (a browser's zygote ends itself otherwise), and there is
//   no reader of a recording. Rule: no thread of ours there.
bool is_walled_off();

std::uint32_t pid();  // of the process that owns the table
bool forked();        // this process came to be by fork from one we were loaded in
std::uint32_t thread_id();
const char* name();  // of the main thread at load: programs rewrite argv[0] later (nginx)

}  // namespace socktrack::process
