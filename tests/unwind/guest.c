// A plugin that calls back; SIZE gives its frame another shape at the same offsets.
#include <stdint.h>
#include <string.h>

uint32_t call_back(uint32_t (*look)(void)) {
  volatile char memory[SIZE];
  memory[0] = memory[SIZE - 1] = 1;
  const uint32_t depth = look();
  return depth + (uint32_t)memory[0];
}
