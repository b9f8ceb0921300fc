// The walker is right if it says what libgcc's unwinder says, whatever the stack looks like. Stacks are
// random; the seed is in the name of the test that fails.
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <ucontext.h>

#include <atomic>
#include <csetjmp>
#include <csignal>
#include <cstdlib>
#include <thread>
#include <vector>

#include "compared.h"
#include "maze.h"

Step random_step(Walk& walk) {
#define ALL(name) name##_steps,
  static const Step* const kFlavours[] = {FLAVOURS(ALL)};
#undef ALL
  return kFlavours[walk.next() % std::size(kFlavours)][walk.next() % 6];
}

namespace {

// SOCKTRACK_STACKS=10000000 for a longer look.
int stacks_wanted() {
  const char* text = std::getenv("SOCKTRACK_STACKS");
  return text != nullptr ? std::atoi(text) : 1'000'000;
}

constexpr std::uint64_t kDistinct = 20011;

std::atomic<std::uint64_t> g_agreed{0};
std::atomic<std::uint64_t> g_differed{0};

std::uint32_t look() {
  const std::uint32_t depth = depth_if_both_agree();
  (depth > 0 ? g_agreed : g_differed).fetch_add(1, std::memory_order_relaxed);
  return depth;
}

Walk walk_of(std::uint64_t seed, int most) {
  Walk walk{seed * 0x9e3779b97f4a7c15ULL + 1, 0, look};
  walk.left = static_cast<int>(walk.next()) % most;
  return walk;
}

void take(std::uint64_t seed, int most = 24) {
  Walk walk = walk_of(seed, most);
  random_step(walk)(walk);
}

class StackWalk : public testing::Test {
 protected:
  void SetUp() override { g_agreed = g_differed = 0; }
  void expect_agreement(std::uint64_t stacks) {
    EXPECT_EQ(g_differed.load(), 0U);
    EXPECT_EQ(g_agreed.load(), stacks);
  }
};

TEST_F(StackWalk, AgreesOnRandomStacks) {
  const int count = stacks_wanted();
  // Stacks come again, with what others left behind in between.
  for (int i = 0; i < count && g_differed == 0; i++) take(static_cast<std::uint64_t>(i) % kDistinct);
  expect_agreement(static_cast<std::uint64_t>(count));
}

// Eight threads fill and use the same table of rules, while one of them keeps forgetting them.
TEST_F(StackWalk, AgreesInManyThreads) {
  constexpr int kThreads = 8;
  const int each = stacks_wanted() / 50;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; t++) {
    threads.emplace_back([t, each] {
      for (int i = 0; i < each; i++) {
        take(static_cast<std::uint64_t>(t + i) % kDistinct);
        if (t == 0 && i % 64 == 0) code_was_unloaded();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  expect_agreement(static_cast<std::uint64_t>(kThreads) * static_cast<std::uint64_t>(each));
}

void on_signal(int) { take(4711, 4); }

std::uint32_t raise_in_the_deep() {
  raise(SIGUSR1);
  return 1;
}

TEST_F(StackWalk, AgreesInSignalHandlersOnBothStacks) {
  std::vector<char> memory(1U << 18U);
  const stack_t alternative{memory.data(), 0, memory.size()};
  ASSERT_EQ(sigaltstack(&alternative, nullptr), 0);
  for (const int flags : {0, SA_ONSTACK}) {
    struct sigaction action {};
    action.sa_handler = on_signal;
    action.sa_flags = flags;
    ASSERT_EQ(sigaction(SIGUSR1, &action, nullptr), 0);
    for (std::uint64_t seed = 0; seed < 2000; seed++) {
      Walk walk = walk_of(seed, 12);
      walk.look = raise_in_the_deep;
      random_step(walk)(walk);
    }
  }
  expect_agreement(4000);
}

ucontext_t g_outside, g_inside;

void coroutine() {
  for (std::uint64_t seed = 0;; seed++) {
    take(seed, 12);
    swapcontext(&g_inside, &g_outside);
  }
}

TEST_F(StackWalk, AgreesInCoroutines) {
  std::vector<char> memory(1U << 18U);
  ASSERT_EQ(getcontext(&g_inside), 0);
  g_inside.uc_stack.ss_sp = memory.data();
  g_inside.uc_stack.ss_size = memory.size();
  g_inside.uc_link = &g_outside;
  makecontext(&g_inside, coroutine, 0);
  for (std::uint64_t seed = 0; seed < 2000; seed++) {
    ASSERT_EQ(swapcontext(&g_outside, &g_inside), 0);
    take(~seed, 12);
  }
  expect_agreement(4000);
}

std::jmp_buf g_out;

std::uint32_t jump_out() {
  look();
  std::longjmp(g_out, 1);
}

TEST_F(StackWalk, AgreesAfterLongjmp) {
  std::atomic<std::uint64_t> seed{0};  // not a register that the jump would restore
  while (seed < 5000) {
    seed++;
    if (setjmp(g_out) != 0) continue;
    Walk walk = walk_of(seed, 20);
    walk.look = jump_out;
    random_step(walk)(walk);
  }
  expect_agreement(5000);
}

int compare_integers(const void* a, const void* b) {
  look();
  return *static_cast<const int*>(a) - *static_cast<const int*>(b);
}

// Code of others in between, with frames of its own kind.
TEST_F(StackWalk, AgreesThroughLibc) {
  int numbers[] = {3, 1, 2};
  std::qsort(numbers, 3, sizeof numbers[0], compare_integers);
  EXPECT_GE(g_agreed.load(), 2U);
  EXPECT_EQ(g_differed.load(), 0U);
}

// Two libraries of other shape, loaded in turn, as often as not at the same address.
TEST_F(StackWalk, AgreesAfterOtherCodeCameToTheSamePlace) {
  std::uint64_t stacks = 0;
  for (int round = 0; round < 50; round++) {
    void* library = dlopen(round % 2 == 0 ? SOCKTRACK_GUEST_ONE : SOCKTRACK_GUEST_TWO, RTLD_NOW | RTLD_LOCAL);
    ASSERT_NE(library, nullptr) << dlerror();
    auto* call = reinterpret_cast<std::uint32_t (*)(std::uint32_t(*)())>(dlsym(library, "call_back"));
    ASSERT_NE(call, nullptr);
    call(look);
    stacks++;
    ASSERT_EQ(dlclose(library), 0);
    code_was_unloaded();
  }
  expect_agreement(stacks);
}

}  // namespace
