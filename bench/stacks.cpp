// What taking the stack costs by its depth: seen before, and by libgcc's unwinder.
#include <benchmark/benchmark.h>

#include "tests/unwind/compared.h"

namespace {

using Take = std::uint32_t (*)();

// `deeper` frames of ours below; benchmark's own come on top.
[[gnu::noinline]] std::uint32_t descend(benchmark::State& state, Take take, long deeper) {
  std::uint32_t depth = 0;
  if (deeper > 0) {
    depth = descend(state, take, deeper - 1);
  } else {
    while (state.KeepRunning()) benchmark::DoNotOptimize(depth = take());
  }
  benchmark::ClobberMemory();  // no tail call
  return depth;
}

template <Take take>
void stack(benchmark::State& state) {
  state.counters["frames"] = descend(state, take, state.range(0));
}

BENCHMARK_TEMPLATE(stack, depth_by_walking)->Name("seen_before")->Arg(0)->Arg(8)->Arg(20);
BENCHMARK_TEMPLATE(stack, depth_by_unwinding)->Name("libgcc")->Arg(0)->Arg(8)->Arg(20);

}  // namespace

BENCHMARK_MAIN();
