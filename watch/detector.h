// The detector: what is this socket, given what a hook witnessed and what the kernel says now?
// A pure function; no call, no clock, no memory. design.md section 5 is its table.
#pragma once

#include <cstdint>

#include "socktrack/recording.h"

namespace socktrack {

// What the recorder knows. Times are CLOCK_MONOTONIC nanoseconds.
struct Witness {
  std::uint32_t flags = 0;  // slot_flag
  bool sighted = false;
  std::uint16_t error = 0;  // errno of the sighting, 0 = end of stream
  Operation operation = Operation::none;
  std::uint64_t sighted_ns = 0;
  std::uint64_t tried_ns = 0;  // not sighted: when the program looked last whether the peer had answered
  std::uint64_t opened_ns = 0;
  // The program has an io_uring: what went through it no hook has seen.
  bool reads_by_ring = false;
  bool forked_since = false;  // the program forked after it had opened the socket
};

// Whether the program has taken the end of the stream out of the queue. It need not have been told: a read
// of data may run into the FIN.
enum class Fin : std::uint8_t { unknown, unread, read };

// What the kernel answered, all at one moment.
struct KernelFacts {
  std::uint8_t state = 0;      // TCP_* of <netinet/tcp.h>
  std::uint32_t unread = 0;    // bytes, without the FIN (SIOCINQ)
  bool still_reading = false;  // there are fewer of them than at the sweep before
  bool close_notify = false;   // they are the farewell of TLS and no data
  Fin fin = Fin::unknown;
  std::uint32_t unsent = 0;        // bytes not acknowledged by the peer (SIOCOUTQ)
  bool sent_data = false;          // ever
  std::uint64_t last_sent_ns = 0;  // when, if ever
  std::uint64_t last_received_ns = 0;
  bool was_connected = false;  // bytes or a SYN of ours were acknowledged once
  bool bound = false;          // has a local port
};

struct Finding {
  Verdict verdict = Verdict::healthy;
  std::uint64_t since_ns = 0;  // no progress since then
  // A socket that was made and never used may be somebody's spare. Alone it is not spoken of; several from
  // the same open site are a leak.
  bool needs_company = false;
  // Looks just like a connection on which somebody waits: spoken of after this many graces, never at once
  // because the program ends.
  std::uint32_t graces = 1;
};

// `first_seen_dead_ns`: when the watcher first found it in a state that is over; 0 = now.
Finding judge(const Witness& witness, const KernelFacts& facts, std::uint64_t first_seen_dead_ns,
              std::uint64_t now_ns);

// A verdict that takes several graces takes this long at least.
inline constexpr std::uint64_t kLongSilence_ns = 6'000'000'000;
// And this long, if a thread waits in a call for the peer to say more.
inline constexpr std::uint64_t kLongestSilence_ns = 300'000'000'000;

// How many sockets like it an open site must have before `needs_company` is satisfied.
inline constexpr std::uint32_t kCompany = 3;

}  // namespace socktrack
