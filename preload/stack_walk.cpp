#include "preload/stack_walk.h"

#include <unwind.h>

#include "preload/hash_mix.h"
#include "preload/jit_frames.h"
#include "preload/rule_table.h"
#include "preload/stack_memo.h"
#include "preload/unloaded_code.h"

// Bounds of our own code, from the linker. Hidden: they must not bind to another module's.
extern "C" __attribute__((visibility("hidden"))) const char __ehdr_start[];
extern "C" __attribute__((visibility("hidden"))) const char _etext[];

namespace socktrack {
namespace {

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
  stack.crosses_signal = stack.crosses_signal || exact != 0;
  if (stack.depth == 0 && in_this_library(address)) return _URC_NO_REASON;
  stack.addresses[stack.depth++] = address;
  return stack.depth == kMaxFrames ? _URC_END_OF_STACK : _URC_NO_REASON;
}

std::uint64_t hash_of(const std::uintptr_t* words, std::uint32_t count) {
  std::uint64_t hash = 0x9e3779b97f4a7c15ULL;
  for (std::uint32_t i = 0; i < count; i++) {
    hash = mix(hash, words[i]) + turn_of_code(words[i]);
  }
  return at_least_1(hash);
}

// Puts the frame at the cursor into the script. False: no room.
bool add(Script& script, const Cursor& at) {
  if (script.depth == 0 && in_this_library(at.address)) {
    script.own++;
  } else {
    script.addresses[script.depth++] = at.address;
  }
  if (script.own > kOwnFrames) return false;
  script.frames[script.steps++] = {at.address, 0, 0, false};
  return true;
}

// False: a frame that only a full unwinder understands. `guessed`: by frame pointers, not to be replayed.
bool walk(Script& script, Cursor at, bool& guessed) {
  while (add(script, at)) {
    if (script.depth == kMaxFrames) return true;
    const rule_table::PackedRule rule = rule_table::rule_at(at.address, script.epoch);
    if (rule.kind() == FrameRule::Kind::no_code && jit_frames::are_named.load(std::memory_order_relaxed)) {
      guessed = true;
      if (!jit_frames::step_over(at)) return true;
      continue;
    }
    if (rule.kind() != FrameRule::Kind::plain) return rule.kind() != FrameRule::Kind::special;
    if (guessed) {
      if (!jit_frames::step_carefully(at, rule) || at.address + 1 == 0) return true;
      continue;
    }
    Script::Step& frame = script.frames[script.steps - 1];
    frame.cfa_offset = static_cast<std::uint32_t>(rule.cfa_offset());
    frame.saved_fp = static_cast<std::uint16_t>(rule.saved_fp());
    frame.from_frame_pointer = rule.from_frame_pointer();
    if (!step(at, frame.cfa_offset, frame.saved_fp, frame.from_frame_pointer)) return false;
    if (at.address + 1 == 0) return true;  // a return address of 0 ends a stack
  }
  return false;
}

[[gnu::noinline]] StackView take_unknown_stack(Stack& scratch, const Cursor& caller, std::uint32_t epoch) {
  Script script;
  script.epoch = epoch;
  script.steps = script.own = script.depth = 0;
  bool guessed = false;
  if (walk(script, caller, guessed) && script.depth > 0) {
    script.hash = hash_of(script.addresses, script.depth);
    if (!guessed) stack_memo::keep(caller, script);
    scratch.depth = script.depth;
    for (std::uint32_t i = 0; i < script.depth; i++) scratch.addresses[i] = script.addresses[i];
  } else {
    unwind_stack(scratch);
    script.hash = hash_of(scratch.addresses, scratch.depth);
  }
  return {scratch.addresses, scratch.depth, scratch.crosses_signal, script.hash};
}

}  // namespace

void unwind_stack(Stack& stack) {
  stack.depth = 0;
  stack.crosses_signal = false;
  _Unwind_Backtrace(note_frame, &stack);
}

// Asking for its frame's address gives it a frame pointer: the first step needs no rule.
[[gnu::noinline]] StackView take_stack(Stack& scratch) {
  const Cursor caller{
      reinterpret_cast<std::uintptr_t>(__builtin_dwarf_cfa()),
      word_at(reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0))),
      reinterpret_cast<std::uintptr_t>(__builtin_extract_return_addr(__builtin_return_address(0))) - 1};
  const std::uint32_t epoch = rule_table::epoch.load(std::memory_order_relaxed);
  const Script* known = stack_memo::recall(caller, epoch);
  if (known != nullptr) [[likely]]
    return {known->addresses, known->depth, false, known->hash};
  return take_unknown_stack(scratch, caller, epoch);
}

}  // namespace socktrack
