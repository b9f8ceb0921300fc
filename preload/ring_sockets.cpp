#include "preload/ring_sockets.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "preload/recorder.h"
#include "preload/socket_kind.h"
#include "preload/table.h"
#include "watch/probe.h"
#include "watch/proc_scan.h"
#include "watch/ring_search.h"

namespace socktrack::ring_sockets {
namespace {

// Of numbers that are sockets and not in the table: their cookies at the call before. Hazard: a hook may be
// about to put one there, between the kernel's return and its own note. Rule: only what was there twice is
// taken.
std::uint64_t g_met[kMaxSlots];
std::atomic<bool> g_adopting{false};

bool has_ring() {
  static std::atomic<std::uint64_t> searched_with{0};
  if (recorder::count_of(BlindSpot::io_uring) > 0) return true;
  // A ring is a descriptor: without a change in their number there is no new one.
  const std::uint64_t open = proc::count_of_descriptors();
  if (searched_with.exchange(open, std::memory_order_relaxed) == open && open != 0) return false;
  if (!holds_a_ring(open)) return false;
  recorder::count(BlindSpot::io_uring);
  return true;
}

bool same_name(const Endpoint& a, const Endpoint& b) { return a.family == b.family && a.port == b.port; }

// A connection has the local port of the listener it came from.
bool came_from_listener(std::uint32_t fd) {
  const SocketAddresses own = socket_addresses(static_cast<int>(fd));
  bool found = false;
  table::for_each_tracked([&](std::uint32_t other) {
    if (found || (table::flags_of(static_cast<int>(other)) & slot_flag::listener) == 0) return;
    found = same_name(own.local, socket_addresses(static_cast<int>(other)).local);
  });
  return found;
}

void look_at(std::uint32_t fd, bool last_call) {
  const std::uint32_t flags = ask_stream_flags(static_cast<int>(fd));
  const bool is_tcp = flags != kNoStream && (flags & slot_flag::unix_stream) == 0;
  const std::uint64_t cookie = !is_tcp ? 0 : socket_cookie(static_cast<int>(fd));
  const bool met_before = g_met[fd] == cookie;
  if (!met_before) g_met[fd] = cookie;
  if (cookie == 0 || !(met_before || last_call)) return;
  table::adopt(static_cast<int>(fd), flags | (came_from_listener(fd) ? slot_flag::accepted : 0));
}

}  // namespace

void adopt(Header& recording, bool last_call) {
  if (!has_ring() || g_adopting.exchange(true, std::memory_order_acquire)) return;
  constexpr std::uint64_t kGaps = 256;  // numbers are given lowest first: few lie above their count
  const std::uint64_t used = std::max<std::uint64_t>(recording.fds_open.load(std::memory_order_relaxed),
                                                     recording.highest_slot.load(std::memory_order_relaxed));
  const auto end = static_cast<std::uint32_t>(std::min<std::uint64_t>(used + kGaps, recording.slot_count));
  for (std::uint32_t fd = STDERR_FILENO + 1; fd < end; fd++) {
    if (!table::is_tracked(static_cast<int>(fd))) look_at(fd, last_call);
  }
  g_adopting.store(false, std::memory_order_release);
}

void after_fork() { g_adopting.store(false, std::memory_order_relaxed); }

}  // namespace socktrack::ring_sockets
