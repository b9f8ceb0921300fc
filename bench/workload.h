// What is measured: calls that a program makes through libc, and the untimed work around them.
#pragma once

#include <span>

namespace bench {

struct Workload {
  const char* name;
  int batch;                   // the most calls one prepare() allows
  void (*prepare)(int calls);  // before each run, untimed, unseen by a preloaded library
  void (*run)(int calls);      // exactly so many calls (or pairs, or cycles) of what `name` says
};

std::span<const Workload> workloads();

}  // namespace bench
