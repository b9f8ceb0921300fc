#include "preload/stack_memo.h"

#include <atomic>

namespace socktrack::stack_memo {
namespace {

#ifndef SOCKTRACK_SCRIPTS
#define SOCKTRACK_SCRIPTS 1024
#endif
constexpr std::uint32_t kScripts = SOCKTRACK_SCRIPTS;  // 0 is none
constexpr std::uint32_t kPlaces = 4096;
constinit Script g_scripts[kScripts] = {};
std::atomic<std::uint32_t> g_used{0};
std::atomic<std::uint16_t> g_by_hash[2 * kScripts];  // open addressing
std::atomic<std::uint16_t> g_by_place[kPlaces];      // last seen from here: a hint

// A thread that does the same thing again has the same stack pointer again. Only a hint: the replay
// decides.
std::atomic<std::uint16_t>& hint_for(const Cursor& at) {
  const std::uint64_t mix = (at.cfa ^ (at.address << 20U)) * 0x9e3779b97f4a7c15ULL;
  return g_by_place[mix >> 52U];
}

//   Hazard: reading beyond the stack. Rule: a word is read only after everything below it has been found as
//   remembered; then the rule of its frame holds and the word exists.
bool replays(const Script& script, Cursor at) {
  const Script::Step* frame = script.frames;
  if (frame->address != at.address) return false;
  for (const Script::Step* last = frame + script.steps - 1; frame != last; frame++) {
    if (!step(at, frame->cfa_offset, frame->saved_fp, frame->from_frame_pointer)) return false;
    if (at.address != frame[1].address) return false;
  }
  return true;
}

bool same(const Script& a, const Script& b) {
  if (a.epoch != b.epoch || a.hash != b.hash || a.steps != b.steps) return false;
  for (std::uint32_t i = 0; i < a.steps; i++) {
    if (a.frames[i].address != b.frames[i].address) return false;
  }
  return true;
}

// The number of an equal script, kept now if need be; 0 if there is no room.
std::uint16_t intern(const Script& script) {
  std::uint64_t slot = script.hash ^ script.epoch ^ script.frames[0].address;
  for (int probe = 0; probe < 16; probe++, slot++) {
    std::atomic<std::uint16_t>& entry = g_by_hash[slot % (2UL * kScripts)];
    std::uint16_t number = entry.load(std::memory_order_acquire);
    if (number == 0) {
      if (g_used.load(std::memory_order_relaxed) >= kScripts - 1) return 0;
      const std::uint32_t fresh = g_used.fetch_add(1, std::memory_order_relaxed) + 1;
      if (fresh >= kScripts) return 0;
      g_scripts[fresh] = script;
      if (entry.compare_exchange_strong(number, static_cast<std::uint16_t>(fresh), std::memory_order_acq_rel))
        return static_cast<std::uint16_t>(fresh);
    }
    if (same(g_scripts[number], script)) return number;
  }
  return 0;
}

}  // namespace

const Script* recall(const Cursor& at, std::uint32_t epoch) {
  const std::uint16_t number = hint_for(at).load(std::memory_order_acquire);
  if (number == 0) return nullptr;
  const Script& script = g_scripts[number];
  return script.epoch == epoch && replays(script, at) ? &script : nullptr;
}

void keep(const Cursor& at, const Script& script) {
  const std::uint16_t number = intern(script);
  if (number != 0) hint_for(at).store(number, std::memory_order_release);
}

}  // namespace socktrack::stack_memo
