#include "watch/waiting_peer.h"

namespace socktrack {

// The kernel keeps its times in ticks of some milliseconds.
Answer answer_of(const Exchange& exchange, std::uint64_t sighted_ms) {
  constexpr std::uint64_t kTick = 20;
  if (exchange.segments_out > 0 && exchange.last_out_ms + kTick < sighted_ms) return Answer::owed;
  if (exchange.segments_in == 0) return Answer::unclear;
  if (exchange.segments_out == 0 || exchange.last_in_ms < exchange.last_out_ms) return Answer::owed;
  if (exchange.last_out_ms < exchange.last_in_ms) return Answer::given;
  return exchange.segments_in > exchange.segments_out ? Answer::owed : Answer::unclear;
}

bool peer_may_wait(const WaitingFacts& facts) {
  if (facts.silent_ns >= kTimeForAnAnswer_ns || facts.peer == PeerEnd::gone || facts.seer == Seer::ended)
    return false;
  // A thread that reads descriptors which block is done with one before it turns to the next. One that reads
  // the others has many at a time: what it does now tells nothing of any of them.
  if (facts.one_at_a_time && (facts.seer == Seer::accepts || facts.saw_later_end)) return false;
  if (facts.answer == Answer::owed) return true;
  return facts.answer == Answer::unclear && facts.one_at_a_time && facts.seer == Seer::busy;
}

}  // namespace socktrack
