// Frames of languages that run on a runtime: their names, interned in the recording, and their place among
// the native frames. Lock-free, no allocation.
#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>

#include "preload/stack_walk.h"
#include "socktrack/recording.h"

namespace socktrack::managed {

// The index of a line, interned; 0 if there is no room.
std::uint32_t intern(Header* recording, Language language, std::string_view function, std::string_view file,
                     std::uint32_t line, LineRole role = LineRole::running);

// The same line in another recording (fork); 0 if there is no room.
std::uint32_t copy(Header* from, std::uint32_t index, Header* to);

// Did a runtime make the call, for an object that nobody refers to any more?
enum class Collector : std::uint8_t {
  none,
  on_its_thread,  // all that this thread calls is such
  in_passing,
};

// The lines of other languages that the calling thread is in, innermost first. Java lines stand before all
// others: they are those that called the native method the thread is in.
struct Lines {
  std::uint32_t count = 0;
  std::uint32_t java = 0;  // so many of them are Java's
  std::uint32_t index[kMaxFrames];
  bool entry[kMaxFrames];  // called from native code
  std::uint64_t hash = 0;  // of all of them; 0 if there are none
  Collector collector = Collector::none;
};
void collect(Header* recording, const StackView& stack, Lines& lines);

// Which runtimes are known whose frames `collect` can see, as bits; 0 if there is none. One load: asked at
// every stack.
inline std::atomic<unsigned> known_runtimes{0};
inline unsigned runtimes() { return known_runtimes.load(std::memory_order_relaxed); }

// After a module was looked at, and in the child of a fork.
void note_runtimes();

// What tells the stack from others.
//   Java code is compiled again and again: the address that called the native method changes and does not
//   count.
std::uint64_t key_of(const StackView& stack, const Lines& lines);

// Native frames and lines as one stack: the lines stand where the interpreter ran them, and the rest of its
// frames further out is left away. Returns the depth.
std::uint32_t merge(Header* recording, const StackView& stack, const Lines& lines, std::uint64_t* frames);

}  // namespace socktrack::managed
