// What a close by the program tells: where sockets of its kind are closed, that an accusation was early, and
// whether it was the program at all or only the collector of its runtime.
#pragma once

#include <cstdint>

#include "socktrack/recording.h"

namespace socktrack::closes {

bool is_accused(const Slot& slot, std::uint32_t generation);

// The socket under this slot is being closed; `word` is the slot's as it was until now. `last`: no other
// number is left to it. May take a stack.
void note(Header* recording, const Slot& slot, std::uint64_t word, bool last);

// It is gone, and no hook saw by whom.
void note_unseen(Header* recording, const Slot& slot, std::uint32_t generation);

}  // namespace socktrack::closes
