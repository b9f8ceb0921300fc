#include "preload/closes.h"

#include <algorithm>
#include <atomic>

#include "preload/managed.h"
#include "preload/process.h"
#include "preload/recorder.h"
#include "preload/sites.h"

namespace socktrack::closes {
namespace {

using managed::Collector;

// The stack of this close, taken when first asked for.
class Stack {
 public:
  explicit Stack(Header* recording) : recording_(recording) {}
  std::uint32_t site() {
    if (!taken_) site_ = sites::capture(recording_, collector_);
    taken_ = true;
    return site_;
  }
  Collector collector() {
    site();
    return collector_;
  }

 private:
  Header* recording_;
  bool taken_ = false;
  std::uint32_t site_ = 0;
  Collector collector_ = Collector::none;
};

// Threads that do nothing but the collector's work: a JVM has three. Never taken back: a thread id that is
// used again later only costs a stack.
std::atomic<std::uint32_t> g_collector_threads[4];

void remember_collector_thread(std::uint32_t tid) {
  for (auto& each : g_collector_threads) {
    std::uint32_t found = 0;
    if (each.compare_exchange_strong(found, tid, std::memory_order_relaxed) || found == tid) return;
  }
}

bool is_collector_thread(std::uint32_t tid) {
  return std::any_of(std::begin(g_collector_threads), std::end(g_collector_threads),
                     [&](const auto& each) { return each.load(std::memory_order_relaxed) == tid; });
}

std::uint64_t waited(const Slot& slot, std::uint64_t word) {
  if ((word_flags(word) & slot_flag::sighted) == 0) return 0;
  const std::uint64_t now = recorder::now_ns();
  return now - std::min(now, slot.sighted_ns.load(std::memory_order_relaxed));
}

// A stack costs more in a runtime than elsewhere: it is taken of closes that are late or come from a thread
// that is known for it.
bool is_by_collector(Stack& stack, const Slot& slot, std::uint64_t word) {
  constexpr std::uint64_t kLate = 1'000'000'000;
  if (managed::runtimes() == 0) return false;
  if (!is_collector_thread(process::thread_id()) && waited(slot, word) < kLate &&
      !is_accused(slot, word_generation(word)))
    return false;
  return stack.collector() != Collector::none;
}

void note_collected(Header* recording, const Slot& slot, std::uint64_t word) {
  const std::uint32_t open_site = slot.open_site.load(std::memory_order_relaxed);
  Site* site = open_site == 0 ? nullptr : recorder::site_at(recording, open_site);
  if (site == nullptr) return;
  site->collected.fetch_add(1, std::memory_order_relaxed);
  const auto after = static_cast<std::uint32_t>(std::min<std::uint64_t>(waited(slot, word) / 1'000'000, ~0U));
  std::uint32_t most = site->collected_after_ms.load(std::memory_order_relaxed);
  while (after > most &&
         !site->collected_after_ms.compare_exchange_weak(most, after, std::memory_order_relaxed)) {
  }
}

// An accused socket is closed after all: an early verdict, not a leak, and its group gets patience. Not so if
// only the collector did it: that it comes by now and then is no promise.
void note_late(Header* recording, const Slot& slot, std::uint32_t generation, bool by_collector) {
  if (slot.watched_generation.load(std::memory_order_acquire) != generation) return;
  const std::uint32_t index = slot.accusation.load(std::memory_order_seq_cst);
  if (index == 0 || index > kMaxAccusations) return;
  auto* start = reinterpret_cast<char*>(recording);
  auto& accusation = reinterpret_cast<Accusation*>(start + recording->accusations_at)[index - 1];
  const std::uint64_t now = recorder::now_ns();
  std::uint64_t still_accused = 0;
  if (!accusation.ended_ns.compare_exchange_strong(still_accused, std::max<std::uint64_t>(now, 1))) return;
  auto& group = reinterpret_cast<Group*>(start + recording->groups_at)[accusation.group];
  if (by_collector) group.collected.fetch_add(1, std::memory_order_relaxed);
  group.late_closes.fetch_add(1, std::memory_order_relaxed);
  // A grace of 0: asked to count whatever is dead at exit, however young.
  if (by_collector || recording->grace_ns == 0) return;
  const std::uint64_t patience = 2 * (now - std::min(now, accusation.dead_since_ns));
  if (patience > group.grace_ns.load(std::memory_order_relaxed))
    group.grace_ns.store(patience, std::memory_order_relaxed);
}

// Where the sockets of an open site are closed: the first few, then every 64th. True if this one was looked
// at.
bool sample(Header* recording, std::uint32_t open_site, Stack& stack) {
  Site* site = open_site == 0 ? nullptr : recorder::site_at(recording, open_site);
  if (site == nullptr) return false;
  const std::uint64_t before = site->closed.fetch_add(1, std::memory_order_relaxed);
  if (before >= 8 && before % 64 != 0) return false;
  const std::uint32_t closed_at = stack.site();
  if (closed_at == 0) return false;
  for (CloseSample& sample : site->closes) {
    std::uint32_t found = sample.site.load(std::memory_order_relaxed);
    if (found == 0 && sample.site.compare_exchange_strong(found, closed_at)) found = closed_at;
    if (found != closed_at) continue;
    sample.count.fetch_add(1, std::memory_order_relaxed);
    break;
  }
  return true;
}

}  // namespace

bool is_accused(const Slot& slot, std::uint32_t generation) {
  return slot.watched_generation.load(std::memory_order_acquire) == generation &&
         slot.accusation.load(std::memory_order_relaxed) != 0;
}

void note(Header* recording, const Slot& slot, std::uint64_t word, bool last) {
  Stack stack(recording);
  bool by_collector = is_by_collector(stack, slot, word);
  note_late(recording, slot, word_generation(word), by_collector);
  if (!last) return;
  if (sample(recording, slot.open_site.load(std::memory_order_relaxed), stack) &&
      stack.collector() == Collector::on_its_thread) {
    remember_collector_thread(process::thread_id());
    by_collector = true;
  }
  if (by_collector) note_collected(recording, slot, word);
}

void note_unseen(Header* recording, const Slot& slot, std::uint32_t generation) {
  note_late(recording, slot, generation, false);
}

}  // namespace socktrack::closes
