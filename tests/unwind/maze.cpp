// Compiled once a flavour, with FLAVOUR naming the table.
#include "maze.h"

#include <alloca.h>

#include <atomic>
#include <cstdarg>
#include <cstring>
#include <stdexcept>

namespace {

std::atomic<char> g_sink;  // all threads write to it

// Makes the compiler keep the memory; most of it holds what earlier frames left there.
void use(void* memory, std::uint32_t size) {
  static_cast<char*>(memory)[size - 1] = 1;
  asm volatile("" : : "r"(memory) : "memory");
}

[[gnu::always_inline]] inline std::uint32_t go_on(Walk& walk) {
  if (walk.left-- <= 0) return walk.look();
  return random_step(walk)(walk);
}

// Two places that call: the same function with another return address.
#define BOTH_SIDES(walk) (((walk).next() & 1U) != 0 ? go_on(walk) + 1 : go_on(walk) + 2)

[[gnu::noinline]] std::uint32_t plain(Walk& walk) {
  const std::uint32_t depth = BOTH_SIDES(walk);
  g_sink.store(static_cast<char>(depth), std::memory_order_relaxed);
  return depth;
}

[[gnu::noinline]] std::uint32_t large(Walk& walk) {
  char memory[3000];
  use(memory, sizeof memory);
  const std::uint32_t depth = BOTH_SIDES(walk);
  use(memory, sizeof memory);
  return depth;
}

[[gnu::noinline]] std::uint32_t dynamic(Walk& walk) {
  const std::uint32_t size = 16 + walk.next() % 512;
  void* memory = alloca(size);
  use(memory, size);
  const std::uint32_t depth = BOTH_SIDES(walk);
  use(memory, size);
  return depth;
}

[[gnu::noinline]] std::uint32_t aligned(Walk& walk) {
  alignas(64) char memory[192];
  use(memory, sizeof memory);
  const std::uint32_t depth = BOTH_SIDES(walk);
  use(memory, sizeof memory);
  return depth;
}

[[gnu::noinline]] std::uint32_t many(Walk* walk, int count, ...) {
  std::va_list rest;
  va_start(rest, count);
  std::uint32_t sum = 0;
  for (int i = 0; i < count; i++) sum += static_cast<std::uint32_t>(va_arg(rest, int));
  va_end(rest);
  const std::uint32_t depth = BOTH_SIDES(*walk);
  g_sink.store(static_cast<char>(sum), std::memory_order_relaxed);
  return depth;
}

[[gnu::noinline]] std::uint32_t variadic(Walk& walk) {
  const std::uint32_t depth = many(&walk, 9, 1, 2, 3, 4, 5, 6, 7, 8, 9);
  g_sink.store(static_cast<char>(depth), std::memory_order_relaxed);
  return depth;
}

[[gnu::noinline]] std::uint32_t throwing(Walk& walk) {
  try {
    if (walk.next() % 16 == 0) throw std::runtime_error("on purpose");
  } catch (const std::runtime_error&) {
    const std::uint32_t depth = BOTH_SIDES(walk);
    g_sink.store(static_cast<char>(depth), std::memory_order_relaxed);
    return depth;
  }
  const std::uint32_t depth = BOTH_SIDES(walk);
  g_sink.store(static_cast<char>(depth), std::memory_order_relaxed);
  return depth;
}

}  // namespace

extern const Step FLAVOUR[6];
const Step FLAVOUR[6] = {plain, large, dynamic, aligned, variadic, throwing};
