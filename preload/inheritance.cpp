#include "preload/inheritance.h"

#include <sys/mman.h>

#include <cstddef>

#include "preload/pools.h"
#include "preload/recorder.h"
#include "preload/sites.h"
#include "preload/table.h"

namespace socktrack::inheritance {
namespace {

struct Item {
  std::uint32_t fd;
  std::uint32_t flags;
  std::uint32_t open_site;
  std::uint64_t opened_ns;
};

Header* g_from = nullptr;
Item* g_items = nullptr;
std::size_t g_count = 0;
std::size_t g_bytes = 0;

void add(const Slot& slot, std::uint32_t fd) {
  constexpr std::uint32_t kOwn = slot_flag::sighted | slot_flag::claimed;  // of the parent
  g_items[g_count++] = {fd, word_flags(slot.word.load(std::memory_order_relaxed)) & ~kOwn,
                        slot.open_site.load(std::memory_order_relaxed),
                        slot.opened_ns.load(std::memory_order_relaxed)};
}

void put(Header* recording, const Item& item) {
  Slot* slot = table::is_tracked(static_cast<int>(item.fd)) ? recorder::slot_at(recording, item.fd) : nullptr;
  if (slot == nullptr) return;
  slot->opened_ns.store(item.opened_ns, std::memory_order_relaxed);
  slot->open_site.store(sites::copy(g_from, item.open_site, recording), std::memory_order_relaxed);
  slot->word.store(make_word(1, item.flags | slot_flag::inherited), std::memory_order_release);
  recording->inherited.fetch_add(1, std::memory_order_relaxed);
  if (recording->highest_slot.load(std::memory_order_relaxed) <= item.fd)
    recording->highest_slot.store(item.fd + 1);
}

}  // namespace

bool is_due() { return g_from != nullptr; }

void remember(Header* parent) {
  std::size_t tracked = 0;
  table::for_each_tracked([&](std::uint32_t) { tracked++; });
  g_from = parent;
  g_items = nullptr;
  g_count = g_bytes = 0;
  if (tracked == 0) return;
  g_bytes = page_up(tracked * sizeof(Item));
  void* memory = mmap(nullptr, g_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return;
  g_items = static_cast<Item*>(memory);
  const auto* slots = reinterpret_cast<const Slot*>(reinterpret_cast<const char*>(parent) + parent->slots_at);
  table::for_each_tracked([&](std::uint32_t fd) {
    if (fd < parent->slot_count && g_count < tracked) add(slots[fd], fd);
  });
}

void hand_over(Header* recording) {
  if (g_from == nullptr) return;
  if (g_count > 0) pools::copy(g_from, recording);
  const std::uint32_t site = g_from->fork_site.load(std::memory_order_relaxed);
  recording->birth_site = sites::copy(g_from, site, recording);
  for (std::size_t i = 0; i < g_count; i++) put(recording, g_items[i]);
  if (g_items != nullptr) munmap(g_items, g_bytes);
  munmap(g_from, g_from->total_size);
  g_from = nullptr;
  g_items = nullptr;
  g_count = g_bytes = 0;
}

bool has_connection() {
  for (std::size_t i = 0; i < g_count; i++) {
    const bool connection = (g_items[i].flags & (slot_flag::accepted | slot_flag::connect_tried)) != 0;
    if (connection && table::is_tracked(static_cast<int>(g_items[i].fd))) return true;
  }
  return false;
}

}  // namespace socktrack::inheritance
