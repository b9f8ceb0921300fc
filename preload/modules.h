// The modules (program and libraries) that frames lie in, with build-ids, kept in the recording.
// Found by _dl_find_object: no loader lock, unlike dladdr and dl_iterate_phdr (pitfalls.md).
#pragma once

#include <cstdint>

#include "socktrack/recording.h"

namespace socktrack::modules {

// The frame (make_frame) of an address of code; kNoModule for code that no file was mapped for.
std::uint64_t frame_at(Header* recording, std::uintptr_t address);

// After dlclose: modules that are gone keep their entry for the stacks they are in, but code that comes to
// the same place gets an entry of its own.
void note_unloaded(Header* recording);

// The index in `to` of module `index` of `from`; kNoModule if there is no room.
std::uint32_t copy(Header* from, std::uint32_t index, Header* to);

}  // namespace socktrack::modules
