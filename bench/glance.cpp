// One line of JSON about a recording, read while its program runs. With a number, waits until so many sockets
// have been accused; with a second one, for so many seconds at most.
// Usage: glance FILE [ACCUSED [SECONDS]]
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <ctime>

#include "socktrack/recording.h"

namespace {

using namespace socktrack;

double seconds() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

std::uint64_t accused(const Header& header) {
  const auto* groups =
      reinterpret_cast<const Group*>(reinterpret_cast<const char*>(&header) + header.groups_at);
  std::uint64_t sum = 0;
  for (std::uint32_t i = 0; i < header.groups_used.load(std::memory_order_acquire); i++)
    sum += groups[i].spoken;
  return sum;
}

std::uint64_t dropped(const Header& header) {
  constexpr BlindSpot kFull[] = {BlindSpot::table_full, BlindSpot::sites_full, BlindSpot::modules_full,
                                 BlindSpot::groups_full, BlindSpot::accusations_full};
  std::uint64_t sum = 0;
  for (const BlindSpot spot : kFull) sum += header.blind_spots[static_cast<std::size_t>(spot)];
  return sum;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  const int fd = open(argv[1], O_RDONLY | O_CLOEXEC);
  struct stat facts {};
  if (fd < 0 || fstat(fd, &facts) != 0) return 1;
  void* memory = mmap(nullptr, static_cast<std::size_t>(facts.st_size), PROT_READ, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) return 1;
  const auto& header = *static_cast<const Header*>(memory);
  if (header.layout_version != kLayoutVersion || header.ready.load() == 0) return 1;

  const std::uint64_t wanted = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 0;
  const double start = seconds();
  const double patience = argc > 3 ? std::atof(argv[3]) : 0;
  while (accused(header) < wanted && seconds() - start < patience) usleep(10'000);
  const double waited = seconds() - start;

  fstat(fd, &facts);
  std::printf("{\"pid\": %" PRIu32 ", \"accused\": %" PRIu64 ", \"waited_s\": %.3f, \"sweeps\": %" PRIu64
              ", \"opened\": %" PRIu64 ", \"closed\": %" PRIu64 ", \"sites\": %" PRIu32
              ", \"groups\": %" PRIu32 ", \"dropped\": %" PRIu64 ", \"bytes_on_disk\": %lld}\n",
              header.pid, accused(header), waited, header.sweeps.load(), header.opened.load(),
              header.closed.load(), header.sites_used.load(), header.groups_used.load(), dropped(header),
              static_cast<long long>(facts.st_blocks) * 512);
  return 0;
}
