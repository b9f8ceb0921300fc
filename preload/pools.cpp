#include "preload/pools.h"

#include <algorithm>
#include <cstring>

#include "preload/recorder.h"

namespace socktrack::pools {
namespace {

enum : std::uint32_t { free_entry, being_written, complete };

PoolName* table_of(const Header* recording) {
  return reinterpret_cast<PoolName*>(const_cast<char*>(reinterpret_cast<const char*>(recording)) +
                                     recording->pools_at);
}

bool is_called(const PoolName& entry, const char* name) {
  return entry.ready.load(std::memory_order_acquire) == complete &&
         std::strncmp(entry.name, name, sizeof entry.name - 1) == 0;
}

}  // namespace

// Two threads that name a pool for the first time at once may make two entries of it: the report shows one
// name.
std::uint32_t number_of(Header* recording, const char* name) {
  PoolName* table = table_of(recording);
  for (std::uint32_t i = 0; i < kMaxPools; i++) {
    PoolName& entry = table[i];
    if (!recorder::touch(&entry, sizeof entry)) return 0;
    if (is_called(entry, name)) return i + 1;
    std::uint32_t expected = free_entry;
    if (!entry.ready.compare_exchange_strong(expected, being_written)) continue;
    std::memcpy(entry.name, name, std::min(strlen(name), sizeof entry.name - 1));
    entry.ready.store(complete, std::memory_order_release);
    return i + 1;
  }
  return 0;
}

void copy(const Header* from, Header* to) {
  const PoolName* source = table_of(from);
  PoolName* target = table_of(to);
  for (std::uint32_t i = 0; i < kMaxPools; i++) {
    if (source[i].ready.load(std::memory_order_acquire) != complete) continue;
    if (!recorder::touch(&target[i], sizeof target[i])) return;
    std::memcpy(target[i].name, source[i].name, sizeof target[i].name);
    target[i].ready.store(complete, std::memory_order_release);
  }
}

}  // namespace socktrack::pools
