// What is noted when a program leaves its image or its descriptor table: exec, daemon, clone, close_range
// with UNSHARE. Everything here keeps errno and may be called in a vfork child, where it does nothing.
#pragma once

#include "socktrack/recording.h"

namespace socktrack::departure {

// The process is about to end in a way that runs none of our code: a last look, and the end is written.
// True if there was something to write: then take_back() must follow if the process is still here.
bool begin(EndedBy by);
void take_back();

// Around a call that gives this thread a descriptor table of its own. Of the only thread it is the program's
// table, so our prober goes along: it leaves before and is started anew after. If the main thread leaves
// others behind, nobody can tell any more whose number a number is, and the recording ends. The calls of any
// other thread are passed through from then on.
//   Hazard: a prober left behind keeps the old table alive, and with it every socket the program closes: the
//   peers would wait for a FIN for ever.
bool begin_split();  // true: the program's table moves, and releases in it are to be recorded
void end_split(bool moves, bool done);

// A child that shares descriptors but not memory closes them unseen.
void note_clone(unsigned flags);

}  // namespace socktrack::departure
