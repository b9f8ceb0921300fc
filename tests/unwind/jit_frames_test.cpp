// Frames reached by frame pointers: made by hand, and whatever a register may hold that is none.
#include "preload/jit_frames.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cerrno>
#include <random>

using namespace socktrack;

namespace {

// The address behind the call of this function.
[[gnu::noinline]] std::uintptr_t behind_a_call() {
  return reinterpret_cast<std::uintptr_t>(__builtin_return_address(0));
}

std::uintptr_t address_of(const void* at) { return reinterpret_cast<std::uintptr_t>(at); }

class JitFrames : public testing::Test {
 protected:
  void SetUp() override {
#if !defined(__x86_64__)
    GTEST_SKIP() << "frame pointers are followed on x86-64 only";
#endif
    stack_[2] = address_of(&stack_[6]);
    stack_[3] = behind_a_call();
    stack_[6] = 0;
    stack_[7] = behind_a_call();
  }
  Cursor at(std::uintptr_t frame_pointer) const { return {address_of(&stack_[0]), frame_pointer, 1}; }

  std::uintptr_t stack_[10] = {};
};

TEST_F(JitFrames, AreLeftByTheirFramePointer) {
  Cursor cursor = at(address_of(&stack_[2]));
  ASSERT_TRUE(jit_frames::step_over(cursor));
  EXPECT_EQ(cursor.address, stack_[3] - 1);
  EXPECT_EQ(cursor.cfa, address_of(&stack_[4]));
  EXPECT_EQ(cursor.frame_pointer, address_of(&stack_[6]));
  ASSERT_TRUE(jit_frames::step_over(cursor));
  EXPECT_EQ(cursor.address, stack_[7] - 1);
  EXPECT_FALSE(jit_frames::step_over(cursor)) << "the frame pointer is 0";
}

TEST_F(JitFrames, NeverGoDown) {
  Cursor cursor{address_of(&stack_[4]), address_of(&stack_[2]), 1};
  EXPECT_FALSE(jit_frames::step_over(cursor));
}

TEST_F(JitFrames, AreNotBelievedWithoutACall) {
  for (const std::uintptr_t no_return :
       {stack_[3] + 1, address_of(&stack_[2]), std::uintptr_t{7}, ~std::uintptr_t{0}}) {
    stack_[3] = no_return;
    Cursor cursor = at(address_of(&stack_[2]));
    EXPECT_FALSE(jit_frames::step_over(cursor)) << std::hex << no_return;
  }
}

TEST_F(JitFrames, AreNotLookedForWhereNoMemoryIs) {
  const auto size = static_cast<std::size_t>(4096);
  void* page = mmap(nullptr, 2 * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(page, MAP_FAILED);
  ASSERT_EQ(mprotect(static_cast<char*>(page) + size, size, PROT_NONE), 0);
  const std::uintptr_t end = address_of(page) + size;
  errno = 4711;
  for (const std::uintptr_t frame : {end - 8, end, end + 8}) {
    Cursor cursor{address_of(page), frame, 1};
    EXPECT_FALSE(jit_frames::step_over(cursor));
    FrameRule rule;
    rule.kind = FrameRule::Kind::plain;
    rule.cfa_offset = static_cast<std::uint32_t>(frame + 16 - address_of(page));
    rule.saved_fp = 16;
    EXPECT_FALSE(jit_frames::step_carefully(cursor, rule_table::PackedRule(rule)));
  }
  EXPECT_EQ(errno, 4711);
  munmap(page, 2 * size);
}

TEST_F(JitFrames, WhateverTheRegisterHolds) {
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "a random number may name memory of the runtime itself, which has no shadow";
#endif
  std::mt19937_64 random(1);
  for (int i = 0; i < 20000; i++) {
    for (std::uintptr_t& word : stack_) word = random() >> (random() % 64);
    Cursor cursor = at(i % 2 == 0 ? random() >> (random() % 64) : address_of(&stack_[random() % 9]));
    const std::uintptr_t before = cursor.cfa;
    const bool stepped = jit_frames::step_over(cursor);
    EXPECT_TRUE(!stepped || cursor.cfa > before);
  }
}

}  // namespace
