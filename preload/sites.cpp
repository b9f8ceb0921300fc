#include "preload/sites.h"

#include <atomic>
#include <cstddef>
#include <cstring>

#include "preload/managed.h"
#include "preload/modules.h"
#include "preload/near_places.h"
#include "preload/recorder.h"
#include "preload/stack_walk.h"

namespace socktrack::sites {
namespace {

constexpr NearPlaces kPlaces{.near = 64, .entries = kMaxSites - 1};

// Finds the entry of `hash` or takes a free one; `fresh` tells that the caller must fill it in.
//   Hazard: waiting for another thread, or for ourselves below a signal handler, to finish the entry would
//   be a lock. Rule: an entry that has the hash but no depth yet is as good as found; readers skip it until
//   it is complete.
std::uint32_t claim(Header* recording, std::uint64_t hash, bool& fresh) {
  fresh = false;
  for (std::uint32_t probe = 0; probe < kMaxSites - 1; probe++) {
    const std::uint32_t index = kPlaces.at(hash, probe) + 1;
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

std::uint64_t copy_frame(Header* from, std::uint64_t frame, Header* to) {
  const std::uint32_t module = frame_module(frame);
  if (module == kNoModule) return frame;
  if (module == kManagedModule)
    return make_frame(module, managed::copy(from, static_cast<std::uint32_t>(frame_offset(frame)), to));
  return make_frame(modules::copy(from, module, to), frame_offset(frame));
}

void publish(Site* site, const std::uint64_t* frames, std::uint32_t depth) {
  std::memcpy(site->frames, frames, depth * sizeof frames[0]);
  site->depth.store(depth, std::memory_order_release);
}

std::uint32_t site_of(Header* recording, const StackView& stack, managed::Collector& collector) {
  const unsigned known = managed::runtimes();
  managed::Lines lines;
  std::uint64_t key = stack.hash;
  if (known != 0 && !stack.crosses_signal) {
    managed::collect(recording, stack, lines);
    key = managed::key_of(stack, lines);
  }
  collector = lines.collector;
  bool fresh = false;
  const std::uint32_t index = claim(recording, key, fresh);
  if (!fresh) return index;
  std::uint64_t frames[kMaxFrames];
  const std::uint32_t depth = managed::merge(recording, stack, lines, frames);
  publish(recorder::site_at(recording, index), frames, depth);
  // The first stack through a runtime is what tells of it: once more, with its lines.
  return managed::runtimes() != known ? site_of(recording, stack, collector) : index;
}

}  // namespace

std::uint32_t capture(Header* recording, managed::Collector& collector) {
  Stack scratch;
  const StackView stack = take_stack(scratch);
  return stack.depth == 0 ? 0 : site_of(recording, stack, collector);
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
    frames[i] = copy_frame(from, source->frames[i], to);
  }
  publish(recorder::site_at(to, copied), frames, depth);
  return copied;
}

}  // namespace socktrack::sites
