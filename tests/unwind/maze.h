// Functions that call one another at random, compiled in every way that changes what a frame looks like.
#pragma once

#include <cstdint>

struct Walk {
  std::uint64_t random;
  int left;                 // calls still to make
  std::uint32_t (*look)();  // at the end
  std::uint32_t next() {
    random = random * 6364136223846793005ULL + 1442695040888963407ULL;
    return static_cast<std::uint32_t>(random >> 33U);
  }
};

using Step = std::uint32_t (*)(Walk&);

// All functions of all flavours.
Step random_step(Walk& walk);

// Each flavour's six functions.
#define FLAVOURS(FLAVOUR) \
  FLAVOUR(unoptimised) FLAVOUR(optimised) FLAVOUR(framed) FLAVOUR(size) FLAVOUR(unrolled)
#define DECLARE(name) extern const Step name##_steps[6];
FLAVOURS(DECLARE)
#undef DECLARE
