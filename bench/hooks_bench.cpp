// Time per call. The same binary runs bare and with libsocktrack.so in LD_PRELOAD; bench/run compares.
#include <benchmark/benchmark.h>

#include "bench/workload.h"

int main(int argc, char** argv) {
  for (const bench::Workload& workload : bench::workloads()) {
    benchmark::RegisterBenchmark(workload.name, [workload](benchmark::State& state) {
      while (state.KeepRunningBatch(workload.batch)) {
        state.PauseTiming();
        workload.prepare(workload.batch);
        state.ResumeTiming();
        workload.run(workload.batch);
      }
    });
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
