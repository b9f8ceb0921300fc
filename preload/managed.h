// Frames of languages that run on a runtime: their names, interned in the recording, and their place among
// the native frames. Lock-free, no allocation.
#pragma once

#include <cstdint>
#include <string_view>

#include "preload/stack_walk.h"
#include "socktrack/recording.h"

namespace socktrack::managed {

// The index of a line, interned; 0 if there is no room.
std::uint32_t intern(Header* recording, Language language, std::string_view function, std::string_view file,
                     std::uint32_t line);

// The same line in another recording (fork); 0 if there is no room.
std::uint32_t copy(Header* from, std::uint32_t index, Header* to);

// The lines of other languages that the calling thread is in, innermost first.
struct Lines {
  std::uint32_t count = 0;
  std::uint32_t index[kMaxFrames];
  bool entry[kMaxFrames];  // called from native code
  std::uint64_t hash = 0;  // of all of them; 0 if there are none
};
void collect(Header* recording, Lines& lines);

// True if a runtime is known whose frames `collect` can see.
bool is_possible();

// Native frames and lines as one stack: the lines stand where the interpreter ran them, and the rest of its
// frames further out is left away. Returns the depth.
std::uint32_t merge(Header* recording, const StackView& stack, const Lines& lines, std::uint64_t* frames);

}  // namespace socktrack::managed
