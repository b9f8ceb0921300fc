// The recording of this process: when it comes to be, where its records lie, who may write them.
//
// Nothing here allocates, locks or keeps a descriptor. All functions may be called from any thread and
// from signal handlers; they give up and count rather than wait.
#pragma once

#include <cstdint>

#include "socktrack/recording.h"
#include "watch/options.h"

namespace socktrack::recorder {

// What the recorder was told at load. Read-only afterwards.
extern Options options;

// The recording, or nullptr before the first tracked socket.
Header* recording();

// The recording, created now if need be. nullptr: it cannot be had (passive child, no memory, creation
// under way in another thread); the caller passes its call through and records nothing.
Header* begin();

// In the program's fork(): remembers where, for what the child will hold.
void before_fork();

// The program that a child executes has no use for what was made for the child, and nobody would remove it.
void discard_prepared();

// In a forked child: forgets the parent's recording, keeps what is needed to take over its sockets. `alone`:
// it shares its descriptors with nobody.
void after_fork(bool alone);

// Ends the recording: last look at every socket, time, status. Once; later calls do nothing.
void end(EndedBy by, int status);

// The end is written before it has come (exec), and taken back if it did not. False: there is nothing to end.
bool note_end(EndedBy by);
void forget_end();

// Ends it for good because nothing more can be recorded or judged: says why, reports what there is, and lets
// our threads leave.
void end_early(BlindSpot why);

// True if nobody outside will: no `socktrack run` around us, or it cannot read this recording.
bool reports_itself();

// True if this process never records (a child, and children are not followed).
bool passive();
void stay_passive();

void count(BlindSpot spot);
std::uint64_t count_of(BlindSpot spot);

// Makes the pages of [at, at + size) inside the recording usable. False: no memory for them (full tmpfs);
// writing there would be a SIGBUS in the program (cost.md 5), so the caller gives up.
bool touch(const void* at, std::size_t size);
// Copies the pages that were touched; the rest of `copy`, as large as the recording, stays as it is.
void copy_made_pages(const Header* recording, void* copy);

Slot* slot_at(Header* recording, std::uint32_t fd);  // nullptr: above the table
Site* site_at(Header* recording, std::uint32_t index);
Module* module_at(Header* recording, std::uint32_t index);
ManagedFrame* managed_at(Header* recording, std::uint32_t index);
char* text_at(Header* recording, std::uint32_t offset, std::uint32_t size);

// CLOCK_MONOTONIC_COARSE from the vDSO, about 5 ns, 4 ms grain: ages are seconds.
std::uint64_t now_ns();
std::uint64_t precise_now_ns();  // CLOCK_MONOTONIC, to measure ourselves

}  // namespace socktrack::recorder
