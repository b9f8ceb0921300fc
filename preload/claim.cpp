#include "preload/claim.h"

#include <linux/futex.h>

#include <bit>
#include <climits>
#include <ctime>

#include "watch/raw_syscall.h"

namespace socktrack::claim {
namespace {

static_assert(std::endian::native == std::endian::little, "the flags are the first half of the word");

void pause_briefly() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#else
  __asm__ volatile("yield");
#endif
}

// Spinning is for the common case. A thread of higher priority than the hand, on the same processor, would
// spin for ever: so it sleeps after some microseconds.
void wait_while(Slot& slot, std::uint64_t seen) {
  for (int i = 0; i < 200; i++) {
    if (slot.word.load(std::memory_order_acquire) != seen) return;
    pause_briefly();
  }
  const timespec limit{0, 1'000'000};
  raw_syscall(SYS_futex, reg(&slot.word), FUTEX_WAIT_PRIVATE, static_cast<long>(word_flags(seen)),
              reg(&limit));
}

}  // namespace

bool take(Slot& slot, std::uint32_t generation) {
  std::uint64_t word = slot.word.load(std::memory_order_acquire);
  do {
    if (word_generation(word) != generation || (word_flags(word) & slot_flag::live) == 0 || is_claimed(word))
      return false;
  } while (!slot.word.compare_exchange_weak(word, word | slot_flag::claimed, std::memory_order_acq_rel));
  return true;
}

void give_back(Slot& slot, std::uint32_t set_flags, std::uint32_t clear_flags) {
  std::uint64_t word = slot.word.load(std::memory_order_relaxed);
  const std::uint64_t cleared = std::uint64_t{clear_flags} | slot_flag::claimed;
  while (!slot.word.compare_exchange_weak(word, (word | set_flags) & ~cleared, std::memory_order_acq_rel)) {
  }
  raw_syscall(SYS_futex, reg(&slot.word), FUTEX_WAKE_PRIVATE, INT_MAX);
}

void wait_until_free(Slot& slot) {
  for (std::uint64_t word = slot.word.load(std::memory_order_acquire); is_claimed(word);
       word = slot.word.load(std::memory_order_acquire)) {
    wait_while(slot, word);
  }
}

// Hazard: the hand closes the number while we wait, and another thread opens a socket there before we look
// again. Rule: only the generation that was there when the program asked is taken out of use.
std::uint64_t release_claimed(Slot& slot, std::uint64_t word) {
  const std::uint32_t generation = word_generation(word);
  for (;;) {
    if ((word_flags(word) & slot_flag::live) == 0 || word_generation(word) != generation)
      return kClosedByHand;
    if (is_claimed(word)) {
      wait_while(slot, word);
      word = slot.word.load(std::memory_order_acquire);
    } else if (slot.word.compare_exchange_weak(word, word & ~std::uint64_t{slot_flag::live},
                                               std::memory_order_seq_cst)) {
      return word;
    }
  }
}

}  // namespace socktrack::claim
