// Memory for the exceptions of our threads, in place of libstdc++'s (eh_alloc.cc). That one takes 72 KiB from
// the program's malloc at load, for the case that memory is short later: three pages touched and the heap of
// every program moved, for threads that most programs never get. Here the reserve is a few places of the
// library's own zeroed memory.
#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <exception>

namespace {

// What the runtime keeps before the object that is thrown, in libstdc++ 128 bytes. More does no harm: it is
// reached from the object downwards.
constexpr std::size_t kHeader = 256;
constexpr std::size_t kPlaces = 8;

struct alignas(16) Place {
  char bytes[1024];
};
Place g_places[kPlaces];
std::atomic<bool> g_taken[kPlaces];

void* take_place(std::size_t size) {
  for (std::size_t i = 0; i < kPlaces && size <= sizeof(Place); i++) {
    if (!g_taken[i].exchange(true, std::memory_order_acquire)) return g_places[i].bytes;
  }
  std::terminate();
}

bool give_back_place(const void* memory) {
  for (std::size_t i = 0; i < kPlaces; i++) {
    if (memory != g_places[i].bytes) continue;
    g_taken[i].store(false, std::memory_order_release);
    return true;
  }
  return false;
}

void* allocate(std::size_t size) {
  void* memory = std::malloc(size);
  if (memory == nullptr) memory = take_place(size);
  return std::memset(memory, 0, size);
}

void release(void* memory) {
  if (!give_back_place(memory)) std::free(memory);
}

}  // namespace

extern "C" {
void* __cxa_allocate_exception(std::size_t size) noexcept {
  return static_cast<char*>(allocate(size + kHeader)) + kHeader;
}
void __cxa_free_exception(void* object) noexcept { release(static_cast<char*>(object) - kHeader); }
void* __cxa_allocate_dependent_exception() noexcept { return allocate(kHeader); }
void __cxa_free_dependent_exception(void* exception) noexcept { release(exception); }
}
