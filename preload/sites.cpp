#include "preload/sites.h"

#include <unwind.h>

#include <atomic>
#include <cstddef>
#include <cstring>

#include "preload/modules.h"
#include "preload/recorder.h"

// Bounds of our own code, from the linker. Hidden: they must not bind to another module's.
extern "C" __attribute__((visibility("hidden"))) const char __ehdr_start[];
extern "C" __attribute__((visibility("hidden"))) const char _etext[];

namespace socktrack::sites {
namespace {

struct Stack {
  std::uint32_t depth = 0;
  std::uintptr_t addresses[kMaxFrames];
};

bool in_this_library(std::uintptr_t address) {
  return address >= reinterpret_cast<std::uintptr_t>(__ehdr_start) &&
         address < reinterpret_cast<std::uintptr_t>(_etext);
}

_Unwind_Reason_Code note_frame(_Unwind_Context* context, void* argument) {
  auto& stack = *static_cast<Stack*>(argument);
  int exact = 0;  // a signal frame: the address is that of the interrupted instruction, not after a call
  std::uintptr_t address = _Unwind_GetIPInfo(context, &exact);
  if (address == 0) return _URC_END_OF_STACK;
  if (exact == 0) address--;
  if (stack.depth == 0 && in_this_library(address)) return _URC_NO_REASON;
  stack.addresses[stack.depth++] = address;
  return stack.depth == kMaxFrames ? _URC_END_OF_STACK : _URC_NO_REASON;
}

std::uint64_t hash_of(const std::uint64_t* words, std::uint32_t count) {
  std::uint64_t hash = 0x9e3779b97f4a7c15ULL;
  for (std::uint32_t i = 0; i < count; i++) {
    hash = (hash ^ words[i]) * 0xff51afd7ed558ccdULL;
    hash ^= hash >> 32U;
  }
  return hash == 0 ? 1 : hash;
}

// Finds the entry of `hash` or takes a free one; `fresh` tells that the caller must fill it in.
//   Hazard: waiting for another thread, or for ourselves below a signal handler, to finish the entry would
//   be a lock. Rule: an entry that has the hash but no depth yet is as good as found; readers skip it until
//   it is complete.
std::uint32_t claim(Header* recording, std::uint64_t hash, bool& fresh) {
  fresh = false;
  for (std::uint32_t probe = 0; probe < kMaxSites - 1; probe++) {
    const auto index = static_cast<std::uint32_t>((hash + probe) % (kMaxSites - 1)) + 1;
    Site* site = recorder::site_at(recording, index);
    if (site == nullptr) return 0;
    std::uint64_t found = site->hash.load(std::memory_order_relaxed);
    if (found == 0 && site->hash.compare_exchange_strong(found, hash, std::memory_order_relaxed)) {
      fresh = true;
      recording->sites_used.fetch_add(1, std::memory_order_relaxed);
      return index;
    }
    if (found == hash) return index;
    if (probe == 64) break;  // a table that full is of no use at speed
  }
  recorder::count(BlindSpot::sites_full);
  return 0;
}

void publish(Site* site, const std::uint64_t* frames, std::uint32_t depth) {
  std::memcpy(site->frames, frames, depth * sizeof frames[0]);
  site->depth.store(depth, std::memory_order_release);
}

}  // namespace

std::uint32_t capture(Header* recording) {
  Stack stack;
  _Unwind_Backtrace(note_frame, &stack);
  if (stack.depth == 0) return 0;
  static_assert(sizeof(std::uintptr_t) == sizeof(std::uint64_t));
  bool fresh = false;
  const std::uint32_t index = claim(recording, hash_of(stack.addresses, stack.depth), fresh);
  if (!fresh) return index;
  std::uint64_t frames[kMaxFrames];
  for (std::uint32_t i = 0; i < stack.depth; i++)
    frames[i] = modules::frame_at(recording, stack.addresses[i]);
  publish(recorder::site_at(recording, index), frames, stack.depth);
  return index;
}

std::uint32_t copy(Header* from, std::uint32_t index, Header* to) {
  const auto* source =
      reinterpret_cast<const Site*>(reinterpret_cast<const char*>(from) + from->sites_at) + index;
  const std::uint32_t depth = index == 0 ? 0 : source->depth.load(std::memory_order_acquire);
  if (depth == 0 || depth > kMaxFrames) return 0;
  bool fresh = false;
  const std::uint32_t copied = claim(to, source->hash.load(std::memory_order_relaxed), fresh);
  if (!fresh) return copied;
  std::uint64_t frames[kMaxFrames];
  for (std::uint32_t i = 0; i < depth; i++) {
    const std::uint32_t module = frame_module(source->frames[i]);
    frames[i] = module == kNoModule
                    ? source->frames[i]
                    : make_frame(modules::copy(from, module, to), frame_offset(source->frames[i]));
  }
  publish(recorder::site_at(to, copied), frames, depth);
  return copied;
}

}  // namespace socktrack::sites
