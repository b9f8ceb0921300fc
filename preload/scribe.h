// The scribe: the one thread of ours that opens files, and all logging and reporting inside a program.
#pragma once

#include <cstdint>

namespace socktrack::scribe {

enum class Request : std::uint32_t {
  new_groups = 1U << 0U,
  short_of_descriptors = 1U << 1U,
  end = 1U << 2U,
  count_leaks = 1U << 3U,  // for leaked(), nothing is written
  show_leaks = 1U << 4U,   // ... and the report is written if there are any
  inquiry = 1U << 5U,      // answer what sweeps have asked (watcher::answer)
  inquiry_at_end = 1U << 6U,
  leave = 1U << 7U,
};

// Asks for something to be written, starts the scribe if need be. Never waits, never allocates here.
void ask(Request request);

// The same, and waits until it is done or the time is over.
void ask_and_wait(Request request, std::uint64_t nanoseconds);

// Sockets that are leaked and not suppressed, as of the last report that was made; `unknown` if there was
// none.
std::uint64_t leaked(std::uint64_t unknown);
// False: it has no descriptor table of its own here, and opens nothing.
bool is_running();  // there is a thread
bool can_open();
// Ends the scribe's thread and waits until the kernel knows it no more. It is started anew when asked.
void retire();

void after_fork();

}  // namespace socktrack::scribe
