#include "preload/known_lines.h"

#include <atomic>

#include "preload/near_places.h"

namespace socktrack::managed {
namespace {

struct Entry {
  std::atomic<std::uint64_t> place;  // 0 = free, set first
  std::atomic<bool> ready;           // set last (release)
  KnownLine line;
};

constexpr std::uint32_t kEntries = 4096;
constexpr std::uint32_t kProbes = NearPlaces::kNearProbes + 16;
constexpr NearPlaces kPlaces{.near = 128, .entries = kEntries};
static_assert(sizeof(Entry) * kPlaces.near == 4096);
constinit Entry g_entries[kEntries] = {};

}  // namespace

bool recall_line(std::uint64_t place, KnownLine& line) {
  for (std::uint32_t probe = 0; probe < kProbes; probe++) {
    const Entry& entry = g_entries[kPlaces.at(place, probe)];
    const std::uint64_t found = entry.place.load(std::memory_order_relaxed);
    if (found == 0) return false;
    if (found != place) continue;
    if (!entry.ready.load(std::memory_order_acquire)) return false;
    line = entry.line;
    return true;
  }
  return false;
}

void keep_line(std::uint64_t place, const KnownLine& line) {
  for (std::uint32_t probe = 0; probe < kProbes; probe++) {
    Entry& entry = g_entries[kPlaces.at(place, probe)];
    std::uint64_t found = entry.place.load(std::memory_order_relaxed);
    if (found == place) return;
    if (found != 0 || !entry.place.compare_exchange_strong(found, place, std::memory_order_relaxed)) continue;
    entry.line = line;
    entry.ready.store(true, std::memory_order_release);
    return;
  }
}

}  // namespace socktrack::managed
