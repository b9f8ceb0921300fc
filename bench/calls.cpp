// Makes N calls of one workload and ends: two runs under callgrind give the instructions per call.
// Usage: calls WORKLOAD N
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "bench/workload.h"

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: calls WORKLOAD N\n");
    return 2;
  }
  for (const bench::Workload& workload : bench::workloads()) {
    if (workload.name != std::string_view(argv[1])) continue;
    for (int left = std::atoi(argv[2]); left > 0; left -= workload.batch) {
      const int calls = std::min(left, workload.batch);
      workload.prepare(calls);
      workload.run(calls);
    }
    return 0;
  }
  std::fprintf(stderr, "calls: no workload %s\n", argv[1]);
  return 2;
}
