#include "preload/table.h"

#include <sys/prctl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "preload/claim.h"
#include "preload/closes.h"
#include "preload/process.h"
#include "preload/recorder.h"
#include "preload/sites.h"
#include "preload/teardown.h"
#include "preload/watcher.h"
#include "watch/raw_syscall.h"

namespace socktrack::table {

std::atomic<std::uint64_t> tracked_bits[kMaxSlots / 64];
std::atomic<std::uint32_t> tracked_words{0};

namespace {

// Keeps errno across whatever a hook does beside the call (a hook must not change it).
class ErrnoKeeper {
 public:
  ErrnoKeeper() : saved_(errno) {}
  ~ErrnoKeeper() { errno = saved_; }
  ErrnoKeeper(const ErrnoKeeper&) = delete;
  ErrnoKeeper& operator=(const ErrnoKeeper&) = delete;

 private:
  int saved_;
};

void set_bit(std::uint32_t fd) {
  std::uint32_t words = tracked_words.load(std::memory_order_relaxed);
  while (words <= fd / 64 &&
         !tracked_words.compare_exchange_weak(words, fd / 64 + 1, std::memory_order_release)) {
  }
  tracked_bits[fd / 64].fetch_or(std::uint64_t{1} << (fd % 64), std::memory_order_acq_rel);
}
bool clear_bit(std::uint32_t fd) {
  const std::uint64_t bit = std::uint64_t{1} << (fd % 64);
  return (tracked_bits[fd / 64].fetch_and(~bit, std::memory_order_acq_rel) & bit) != 0;
}

Slot* slot_of(int fd) {
  Header* recording = recorder::recording();
  return recording == nullptr ? nullptr : recorder::slot_at(recording, static_cast<std::uint32_t>(fd));
}

void raise_highest(Header* recording, std::uint32_t fd) {
  std::uint32_t highest = recording->highest_slot.load(std::memory_order_relaxed);
  while (highest <= fd &&
         !recording->highest_slot.compare_exchange_weak(highest, fd + 1, std::memory_order_release)) {
  }
}

// Puts a new generation into the slot. The number is the program's since the kernel returned it, so nobody
// else writes this slot but a sweep that still looks at the generation before. False: there is no slot, and
// the socket is in no count, since nobody would see it closed.
bool fill(Header* recording, std::uint32_t fd, std::uint32_t flags, std::uint32_t site,
          std::uint64_t opened_ns) {
  Slot* slot = recorder::slot_at(recording, fd);
  if (slot == nullptr) return false;
  claim::wait_for(*slot);
  const std::uint32_t generation = word_generation(slot->word.load(std::memory_order_relaxed)) + 1;
  slot->opened_ns.store(opened_ns, std::memory_order_relaxed);
  slot->open_site.store(site, std::memory_order_relaxed);
  slot->sighted_tid.store(process::thread_id(), std::memory_order_relaxed);
  slot->word.store(make_word(generation, (flags & ~slot_flag::sighted) | slot_flag::live),
                   std::memory_order_release);
  raise_highest(recording, fd);
  set_bit(fd);
  return true;
}

// The time of birth names the socket within the process: the lowest 20 bits count births, about a millisecond
// is lost. Copies of the socket (dup) carry it along. Not the number it was born with: within one tick of the
// clock a number is taken twice, and a copy of the first socket would pass for one of the second.
std::uint64_t birth() {
  static std::atomic<std::uint32_t> births{0};
  const std::uint32_t count = births.fetch_add(1, std::memory_order_relaxed);
  return (recorder::now_ns() & ~std::uint64_t{kMaxSlots - 1}) | (count & (kMaxSlots - 1));
}

// Another number of the same socket, if the program has one.
bool same_socket(const Slot& a, const Slot& b) {
  return (word_flags(b.word.load(std::memory_order_relaxed)) & slot_flag::duplicate) != 0 &&
         a.opened_ns.load(std::memory_order_relaxed) == b.opened_ns.load(std::memory_order_relaxed) &&
         a.open_site.load(std::memory_order_relaxed) == b.open_site.load(std::memory_order_relaxed);
}

template <typename Visit>
void for_each_twin(Header* recording, std::uint32_t fd, Visit visit) {
  const Slot* slot = recorder::slot_at(recording, fd);
  for_each_tracked([&](std::uint32_t other) {
    if (other == fd || other >= recording->slot_count) return;
    Slot* twin = recorder::slot_at(recording, other);
    if (twin != nullptr && same_socket(*slot, *twin)) visit(other, *twin);
  });
}

bool has_twin(Header* recording, std::uint32_t fd) {
  bool found = false;
  for_each_twin(recording, fd, [&](std::uint32_t, Slot&) { found = true; });
  return found;
}

// The slots of all numbers that the socket under `fd` has.
template <typename Visit>
void for_each_number(int fd, Visit visit) {
  const ErrnoKeeper keeper;
  Header* recording = recorder::recording();
  Slot* slot = recording == nullptr ? nullptr : recorder::slot_at(recording, static_cast<std::uint32_t>(fd));
  if (slot == nullptr) return;
  visit(*slot);
  if ((word_flags(slot->word.load(std::memory_order_relaxed)) & slot_flag::duplicate) == 0) return;
  for_each_twin(recording, static_cast<std::uint32_t>(fd), [&](std::uint32_t, Slot& twin) { visit(twin); });
}

void note_thread(Header* recording, std::uint32_t tid) {
  auto* names = reinterpret_cast<ThreadName*>(reinterpret_cast<char*>(recording) + recording->threads_at);
  ThreadName& entry = names[tid % kMaxThreads];
  if (!recorder::touch(&entry, sizeof entry) || entry.tid.load(std::memory_order_relaxed) == tid) return;
  entry.tid.store(0, std::memory_order_relaxed);
  raw_syscall(SYS_prctl, PR_GET_NAME, reg(entry.name));
  entry.tid.store(tid, std::memory_order_release);
}

// Of several threads that see the end at once, one is the witness: the one whose flag sticks.
bool claim_sighting(Slot& slot, std::uint64_t& word) {
  word = slot.word.load(std::memory_order_acquire);
  do {
    if ((word_flags(word) & slot_flag::live) == 0 || (word_flags(word) & slot_flag::sighted) != 0)
      return false;
  } while (!slot.word.compare_exchange_weak(word, word | slot_flag::sighted, std::memory_order_acq_rel));
  return true;
}

void write_sighting(Slot& slot, Sighting sighting, std::uint64_t now, std::uint32_t tid) {
  slot.sighted_ns.store(now, std::memory_order_relaxed);
  slot.sighted_tid.store(tid, std::memory_order_relaxed);
  slot.sighting.store(pack(sighting), std::memory_order_release);
}

void sight_twins(Header* recording, std::uint32_t fd, Sighting sighting, std::uint64_t now,
                 std::uint32_t tid) {
  for_each_twin(recording, fd, [&](std::uint32_t, Slot& twin) {
    std::uint64_t word = 0;
    if (!claim_sighting(twin, word)) return;
    sighting.generation = static_cast<std::uint16_t>(word_generation(word));
    write_sighting(twin, sighting, now, tid);
  });
}

// A close by the runtime at its end is no close by the program: what was leaked until now was leaked.
bool is_teardown(const Header& recording, const Slot& slot) {
  if (teardown::under_way()) return true;
  const std::uint64_t word = slot.word.load(std::memory_order_relaxed);
  const bool counts_already = closes::is_accused(slot, word_generation(word)) ||
                              (recording.grace_ns == 0 && (word_flags(word) & slot_flag::sighted) != 0);
  return counts_already && teardown::is_calling();
}

// True: the hand closed the number while we waited for it.
bool release_tracked(Header* recording, std::uint32_t fd) {
  Slot* slot = recorder::slot_at(recording, fd);
  if (slot == nullptr) return false;
  const std::uint32_t flags = word_flags(slot->word.load(std::memory_order_relaxed));
  const bool last = (flags & slot_flag::duplicate) == 0 || !has_twin(recording, fd);
  const bool torn_down = is_teardown(*recording, *slot);
  if (torn_down && (flags & slot_flag::sighted) != 0) watcher::last_look_at(fd);
  const std::uint64_t before = claim::release(*slot);
  if ((word_flags(before) & slot_flag::live) == 0) return before == claim::kClosedByHand;
  if (!torn_down) closes::note(recording, *slot, before, last);
  if (last) recording->closed.fetch_add(1, std::memory_order_relaxed);
  return false;
}

}  // namespace

void acquire(int fd, std::uint32_t flags) {
  const ErrnoKeeper keeper;
  if (is_tracked(fd)) lost(fd);
  Header* recording = recorder::begin();
  if (recording == nullptr) return;
  const std::uint32_t site = sites::capture(recording);
  if (!fill(recording, static_cast<std::uint32_t>(fd), flags, site, birth())) return;
  recording->opened.fetch_add(1, std::memory_order_relaxed);
  Site* open_site = site == 0 ? nullptr : recorder::site_at(recording, site);
  if (open_site != nullptr) open_site->opened.fetch_add(1, std::memory_order_relaxed);
}

void adopt(int fd, std::uint32_t flags) {
  const ErrnoKeeper keeper;
  Header* recording = recorder::begin();
  if (recording == nullptr) return;
  if (!fill(recording, static_cast<std::uint32_t>(fd), flags | slot_flag::adopted, 0, birth())) return;
  recording->opened.fetch_add(1, std::memory_order_relaxed);
}

void inherit_over_exec(int fd, std::uint32_t flags) {
  Header* recording = recorder::begin();
  if (recording == nullptr) return;
  if (!fill(recording, static_cast<std::uint32_t>(fd), flags | slot_flag::adopted | slot_flag::inherited, 0,
            birth()))
    return;
  recording->inherited.fetch_add(1, std::memory_order_relaxed);
}

bool release(int fd) {
  const ErrnoKeeper keeper;
  Header* recording = recorder::recording();
  // Closed by the hand, the number may be somebody else's already: then the bit is not ours to clear.
  if (recording != nullptr && release_tracked(recording, static_cast<std::uint32_t>(fd))) return true;
  clear_bit(static_cast<std::uint32_t>(fd));
  return false;
}

void closed_by_hand(Slot& slot, std::uint32_t fd) {
  clear_bit(fd);
  claim::give_back(slot, 0, slot_flag::live);
}

void lost(int fd) {
  const ErrnoKeeper keeper;
  Header* recording = recorder::recording();
  Slot* slot = recording == nullptr ? nullptr : recorder::slot_at(recording, static_cast<std::uint32_t>(fd));
  if (slot != nullptr) claim::wait_for(*slot);  // the hand may have closed it and be about to say so
  if (!clear_bit(static_cast<std::uint32_t>(fd)) || slot == nullptr) return;
  const std::uint64_t before = claim::release(*slot);
  if ((word_flags(before) & slot_flag::live) == 0) return;
  closes::note_unseen(recording, *slot, word_generation(before));
  recording->closed.fetch_add(1, std::memory_order_relaxed);
  recorder::count(BlindSpot::unseen_close);
}

void forget_all() {
  Header* recording = recorder::recording();
  if (recording == nullptr) return;
  for_each_tracked([&](std::uint32_t fd) {
    clear_bit(fd);
    if (fd >= recording->slot_count) return;
    // No page is populated any more: a tracked socket's slot was written before.
    Slot* slot = reinterpret_cast<Slot*>(reinterpret_cast<char*>(recording) + recording->slots_at) + fd;
    slot->word.fetch_and(~std::uint64_t{slot_flag::live}, std::memory_order_seq_cst);
  });
}

void know_nothing() {
  for_each_tracked([](std::uint32_t fd) { clear_bit(fd); });
}

bool any_tracked(unsigned first, unsigned last) {
  bool found = false;
  for_each_tracked([&](std::uint32_t fd) { found = found || (fd >= first && fd <= last); });
  return found;
}

void release_range(unsigned first, unsigned last) {
  const std::uint32_t end = tracked_words.load(std::memory_order_acquire) * 64;
  if (first >= end) return;
  last = std::min(last, end - 1);
  for (unsigned base = first & ~63U; base <= last; base += 64) {
    std::uint64_t bits = tracked_bits[base / 64].load(std::memory_order_relaxed);
    for (; bits != 0; bits &= bits - 1) {
      const unsigned fd = base + static_cast<unsigned>(__builtin_ctzll(bits));
      if (fd >= first && fd <= last) release(static_cast<int>(fd));
    }
  }
}

void duplicate(int fd, int target) {
  const ErrnoKeeper keeper;
  Header* recording = recorder::recording();
  if (recording == nullptr || fd == target) return;
  if (is_tracked(target)) lost(target);
  Slot* source = recorder::slot_at(recording, static_cast<std::uint32_t>(fd));
  if (source == nullptr) return;
  const std::uint64_t word = source->word.fetch_or(slot_flag::duplicate, std::memory_order_acq_rel);
  if ((word_flags(word) & slot_flag::live) == 0) return;
  const std::uint32_t copied_flags = word_flags(word) & ~(slot_flag::claimed | slot_flag::marked);
  const bool filled = fill(recording, static_cast<std::uint32_t>(target), copied_flags | slot_flag::duplicate,
                           source->open_site.load(std::memory_order_relaxed),
                           source->opened_ns.load(std::memory_order_relaxed));
  if (!filled || (word_flags(word) & slot_flag::sighted) == 0) return;
  Slot* copy = recorder::slot_at(recording, static_cast<std::uint32_t>(target));
  std::uint64_t copied = 0;
  if (copy == nullptr || !claim_sighting(*copy, copied)) return;
  Sighting sighting = unpack(source->sighting.load(std::memory_order_acquire));
  sighting.generation = static_cast<std::uint16_t>(word_generation(copied));
  write_sighting(*copy, sighting, source->sighted_ns.load(std::memory_order_relaxed),
                 source->sighted_tid.load(std::memory_order_relaxed));
}

void mark(int fd, std::uint32_t flags) {
  const ErrnoKeeper keeper;
  Slot* slot = slot_of(fd);
  if (slot == nullptr) return;
  if ((word_flags(slot->word.load(std::memory_order_relaxed)) & flags) == flags) return;
  slot->word.fetch_or(flags, std::memory_order_relaxed);
}

void unmark(int fd, std::uint32_t flags) {
  const ErrnoKeeper keeper;
  Slot* slot = slot_of(fd);
  if (slot != nullptr) slot->word.fetch_and(~std::uint64_t{flags}, std::memory_order_relaxed);
}

void ignore(int fd) {
  for_each_number(fd, [](Slot& slot) { slot.word.fetch_or(slot_flag::ignored, std::memory_order_relaxed); });
}

void set_pool(int fd, std::uint32_t pool) {
  constexpr std::uint64_t mask = std::uint64_t{0xff} << slot_flag::pool_shift;
  for_each_number(fd, [&](Slot& slot) {
    std::uint64_t word = slot.word.load(std::memory_order_relaxed);
    while (!slot.word.compare_exchange_weak(
        word, (word & ~mask) | (std::uint64_t{pool} << slot_flag::pool_shift), std::memory_order_relaxed)) {
    }
  });
}

std::uint32_t flags_of(int fd) {
  const Slot* slot = is_tracked(fd) ? slot_of(fd) : nullptr;
  return slot == nullptr ? 0 : word_flags(slot->word.load(std::memory_order_relaxed));
}

std::uint32_t generation_of(int fd) {
  const Slot* slot = is_tracked(fd) ? slot_of(fd) : nullptr;
  return slot == nullptr ? 0 : word_generation(slot->word.load(std::memory_order_relaxed));
}

void sight(int fd, Operation operation, int error) {
  const ErrnoKeeper keeper;
  Header* recording = recorder::begin();
  Slot* slot = recording == nullptr ? nullptr : recorder::slot_at(recording, static_cast<std::uint32_t>(fd));
  std::uint64_t word = 0;
  if (slot == nullptr || !claim_sighting(*slot, word)) return;
  const std::uint64_t now = recorder::now_ns();
  const std::uint32_t tid = process::thread_id();
  const Sighting sighting{static_cast<std::uint16_t>(word_generation(word)), operation,
                          static_cast<std::uint16_t>(error), sites::capture(recording)};
  write_sighting(*slot, sighting, now, tid);
  note_thread(recording, tid);
  recording->sightings.fetch_add(1, std::memory_order_relaxed);
  if ((word_flags(word) & slot_flag::duplicate) != 0) {
    sight_twins(recording, static_cast<std::uint32_t>(fd), sighting, now, tid);
  }
}

void sight_unseen(int fd, Operation operation) {
  const ErrnoKeeper keeper;
  Header* recording = recorder::recording();
  Slot* slot = slot_of(fd);
  std::uint64_t word = 0;
  if (slot == nullptr || !claim_sighting(*slot, word)) return;
  const std::uint64_t now = recorder::now_ns();
  const Sighting sighting{static_cast<std::uint16_t>(word_generation(word)), operation, 0, 0};
  write_sighting(*slot, sighting, now, 0);
  recording->sightings.fetch_add(1, std::memory_order_relaxed);
  if ((word_flags(word) & slot_flag::duplicate) != 0)
    sight_twins(recording, static_cast<std::uint32_t>(fd), sighting, now, 0);
}

void note_shutdown(int fd) {
  const ErrnoKeeper keeper;
  Header* recording = recorder::recording();
  if (recording == nullptr) return;
  const std::uint32_t site = sites::capture(recording);
  for_each_number(fd, [&](Slot& slot) {
    std::uint64_t before = slot.sighting.load(std::memory_order_relaxed);
    const std::uint64_t word = slot.word.load(std::memory_order_acquire);
    if ((word_flags(word) & slot_flag::sighted) != 0) return;
    const Sighting where{static_cast<std::uint16_t>(word_generation(word)), Operation::shutdown, 0, site};
    // Fails if a sighting comes between: that one is to be kept.
    slot.sighting.compare_exchange_strong(before, pack(where), std::memory_order_release);
  });
}

void note_try(int fd) {
  if ((flags_of(fd) & (slot_flag::shut_write | slot_flag::sighted)) != slot_flag::shut_write) return;
  const ErrnoKeeper keeper;
  constexpr std::uint64_t kOftenEnough_ns = 100'000'000;
  Slot* slot = slot_of(fd);
  const std::uint64_t now = recorder::now_ns();
  if (slot == nullptr || now - slot->sighted_ns.load(std::memory_order_relaxed) < kOftenEnough_ns) return;
  if (!process::ours && process::seems_at_home()) slot->sighted_ns.store(now, std::memory_order_relaxed);
}

void forget_sighting(int fd) { unmark(fd, slot_flag::sighted | slot_flag::told); }

}  // namespace socktrack::table
