// May the peer of a socket that looks leaked be waiting for an answer? A client that ends its question with
// shutdown() and waits looks to the kernel just like one whose connection was forgotten, and the first is cut
// off by what is right for the second. A pure function of what else can be known; "yes" costs a minute.
#pragma once

#include <cstdint>

namespace socktrack {

// The other end of the connection, where it can be looked up: on this host.
enum class PeerEnd : std::uint8_t { unknown, held, gone };

// What the thread that read the end does now.
enum class Seer : std::uint8_t {
  unknown,
  ended,
  accepts,  // waits for the next connection
  waits,    // in another call
  busy,     // computes, or sleeps by the clock
};

// What the program owes the peer, by the times of what went to and fro.
enum class Answer : std::uint8_t {
  given,    // something was sent after the peer had said its last
  owed,     // the peer said more since, or an answer has begun after its end was read
  unclear,  // the peer never said anything, or both were in the same moment
};
// What went to and fro, as TCP_INFO tells it: segments with data, and milliseconds since the last of them.
struct Exchange {
  std::uint32_t segments_in = 0, segments_out = 0;
  std::uint32_t last_in_ms = 0, last_out_ms = 0;
};
Answer answer_of(const Exchange& exchange, std::uint64_t sighted_ms);  // ago

struct WaitingFacts {
  Answer answer = Answer::given;
  PeerEnd peer = PeerEnd::unknown;
  Seer seer = Seer::unknown;
  bool one_at_a_time = false;   // the descriptor blocks: its thread serves no other meanwhile
  bool saw_later_end = false;   // that thread has read the end of another forgotten connection since
  std::uint64_t silent_ns = 0;  // since the last progress
};

// However short --mitigate-after is. An orphan of the peer's kernel lives as long (tcp_fin_timeout).
inline constexpr std::uint64_t kTimeForAnAnswer_ns = 60'000'000'000;

bool peer_may_wait(const WaitingFacts& facts);

}  // namespace socktrack
