// Microseconds of starting and of forking, by the clock: in these the kernel works on our behalf in the
// child.
//
//   spawn start ROUNDS PROGRAM LIBRARY...   starts PROGRAM bare, with each library preloaded, and bare again,
//   in
//                                           turns; one line of medians per way
//   spawn fork ROUNDS SOCKETS               forks a child that leaves at once, with so many sockets open
#include <spawn.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>
#include <vector>

#include "bench/raw_call.h"

namespace {

using bench::require;

double microseconds() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

double quantile(std::vector<double> times, double part) {
  std::sort(times.begin(), times.end());
  return times[static_cast<std::size_t>(part * static_cast<double>(times.size() - 1))];
}

void tell(const char* what, const std::vector<double>& times) {
  std::printf("{\"what\": \"%s\", \"median_us\": %.2f, \"quarter_us\": %.2f, \"least_us\": %.2f}\n", what,
              quantile(times, 0.5), quantile(times, 0.25), quantile(times, 0));
}

struct Start {
  double microseconds, cpu_microseconds, page_faults;
};

struct Starts {
  std::vector<double> times, cpu, faults;
  void add(const Start& start) {
    times.push_back(start.microseconds);
    cpu.push_back(start.cpu_microseconds);
    faults.push_back(start.page_faults);
  }
};

void tell(const char* what, const Starts& starts) {
  std::printf(
      "{\"what\": \"%s\", \"median_us\": %.2f, \"quarter_us\": %.2f, \"least_us\": %.2f, "
      "\"cpu_us\": %.2f, \"page_faults\": %.0f}\n",
      what, quantile(starts.times, 0.5), quantile(starts.times, 0.25), quantile(starts.times, 0),
      quantile(starts.cpu, 0.5), quantile(starts.faults, 0.5));
}

double of(const timeval& time) {
  return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_usec);
}

Start start_once(const char* program, const std::string& library) {
  std::string preload = "LD_PRELOAD=" + library;
  std::string quiet = "SOCKTRACK_LOG=off";
  char* arguments[] = {const_cast<char*>(program), nullptr};
  char* environment[] = {quiet.data(), library.empty() ? nullptr : preload.data(), nullptr};
  const double before = microseconds();
  pid_t child = 0;
  if (posix_spawn(&child, program, nullptr, nullptr, arguments, environment) != 0) std::exit(EXIT_FAILURE);
  rusage used{};
  wait4(child, nullptr, 0, &used);
  return {microseconds() - before, of(used.ru_utime) + of(used.ru_stime),
          static_cast<double>(used.ru_minflt)};
}

int start(int rounds, const char* program, std::vector<std::string> libraries) {
  libraries.insert(libraries.begin(), "");
  libraries.emplace_back("");  // once more: the control
  std::vector<Starts> starts(libraries.size());
  for (int round = 0; round < rounds; round++) {
    for (std::size_t i = 0; i < libraries.size(); i++) starts[i].add(start_once(program, libraries[i]));
  }
  for (std::size_t i = 0; i < libraries.size(); i++) {
    const bool control = i + 1 == libraries.size();
    tell(control ? "control" : libraries[i].empty() ? "bare" : libraries[i].c_str(), starts[i]);
  }
  return 0;
}

int fork_often(int rounds, int sockets) {
  for (int i = 0; i < sockets; i++) require(socket(AF_INET, SOCK_STREAM, 0), "socket");
  std::vector<double> times;
  for (int round = 0; round < rounds; round++) {
    const double before = microseconds();
    const pid_t child = require(fork(), "fork");
    if (child == 0) _exit(0);
    waitpid(child, nullptr, 0);
    times.push_back(microseconds() - before);
  }
  tell("fork", times);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() >= 3 && words[0] == "start")
    return start(std::atoi(argv[2]), argv[3], {words.begin() + 3, words.end()});
  if (words.size() == 3 && words[0] == "fork") return fork_often(std::atoi(argv[2]), std::atoi(argv[3]));
  std::fprintf(stderr, "usage: spawn start ROUNDS PROGRAM LIBRARY... | spawn fork ROUNDS SOCKETS\n");
  return 2;
}
