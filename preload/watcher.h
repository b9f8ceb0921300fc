// The watcher inside the program: two threads of ours, each started when first needed.
//
//   prober  shares the program's descriptors, so that it can ask the kernel about them; opens nothing.
//   scribe  has a descriptor table of its own (docs/decisions/0003): files it opens take no number of the
//           program, and the program's close_range cannot close them. Does all logging, through spdlog.
//
// Both block all signals. Neither exists in a program without tracked sockets or with SOCKTRACK_WATCHER=off.
#pragma once

#include <cstdint>

namespace socktrack::watcher {

void start();                         // starts the prober
bool retire();                        // ends both threads, waits until they are gone; true: the prober ran
void resume();                        // ... and starts it again
void main_thread_leaves();            // by pthread_exit: the end may be near
void after_fork();                    // in the child: its threads did not come along
void look_once();                     // a sweep like the prober's, now; not if one is under way
bool last_sweep();                    // in the thread that ends the process; false: it could not be done
void last_look_at(std::uint32_t fd);  // one socket, in the thread that is about to close it
void answer(bool at_end);             // in a thread that may open descriptors: what sweeps have asked
void report_at_end();                 // without a host: reports, and waits for it, at most some seconds
void short_of_descriptors();          // accept or socket failed with EMFILE: look now, say so. Never waits
void wake();                          // the prober, to look at once
bool is_running();
void sweep_again();      // on the prober's own thread
std::uint64_t leaked();  // sockets accused of a leak, not closed and not suppressed

// The same, with all that is dead at this moment and without any grace; `report`: and writes about them.
// Waits: a tenth of a second if something has just died, longer for the report.
std::uint64_t leaks_now(bool report);

}  // namespace socktrack::watcher
