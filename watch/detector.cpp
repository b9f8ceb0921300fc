#include "watch/detector.h"

#include <netinet/tcp.h>

#include <algorithm>

namespace socktrack {
namespace {

bool has(const Witness& witness, std::uint32_t flag) { return (witness.flags & flag) != 0; }

// The peer will send nothing more and no timer of the kernel will change that.
bool is_over(std::uint8_t state) {
  return state == TCP_CLOSE_WAIT || state == TCP_LAST_ACK || state == TCP_CLOSE;
}

bool was_connected(const Witness& witness, const KernelFacts& facts) {
  return facts.was_connected || has(witness, slot_flag::accepted | slot_flag::inherited | slot_flag::adopted);
}

// poll and epoll tell that there is something to read; nobody needs to have read it.
bool only_told(const Witness& witness) {
  return witness.error == 0 &&
         (witness.operation == Operation::poll || witness.operation == Operation::epoll_wait);
}

bool read_the_end(const Witness& witness, const KernelFacts& facts) {
  if (witness.sighted) return !only_told(witness) || facts.fin == Fin::read;
  // A server reads on until it is told. A client may have read its answer and the FIN at once, and keep the
  // connection in a pool.
  return witness.reads_by_ring && facts.fin == Fin::read && has(witness, slot_flag::accepted);
}

Verdict verdict_of_connection(const Witness& witness, const KernelFacts& facts) {
  if (witness.sighted && witness.error != 0) return Verdict::error_not_closed;
  if (facts.state == TCP_CLOSE_WAIT && facts.unread > 0 && !facts.close_notify) return Verdict::data_unread;
  if (read_the_end(witness, facts)) return Verdict::eof_not_closed;
  if (has(witness, slot_flag::inherited)) return Verdict::inherited;
  // Read to its end, and not by us: the child that was made for it has done its work, and we forgot our copy.
  if (witness.forked_since && facts.fin == Fin::read && has(witness, slot_flag::accepted))
    return Verdict::inherited;
  return Verdict::fin_unread;
}

// Our FIN is acknowledged, the peer has sent none and is silent.
Finding judge_half_open(const Witness& witness, const KernelFacts& facts, std::uint64_t seen,
                        std::uint64_t now_ns) {
  const bool waited_for = has(witness, slot_flag::in_epoll);
  if (!has(witness, slot_flag::shut_write) || waited_for || facts.unread > 0 || facts.unsent > 0) return {};
  const std::uint64_t since = std::max({seen, facts.last_sent_ns, facts.last_received_ns, witness.tried_ns});
  return {Verdict::half_open_peer, std::min(since, now_ns), false, 6};
}

// One half of a pair whose other half is closed, and nobody ever looked, or shut down at once: the JDK keeps
// one to put over descriptors that it closes under the feet of blocked threads.
bool may_be_a_dead_end(const Witness& witness, Verdict verdict) {
  constexpr std::uint32_t kCameOtherwise = slot_flag::accepted | slot_flag::connect_tried |
                                           slot_flag::adopted | slot_flag::inherited | slot_flag::passed;
  const bool unused = verdict == Verdict::fin_unread && !witness.sighted;
  const bool shut_down = verdict == Verdict::eof_not_closed && witness.operation == Operation::shutdown;
  return (unused || shut_down) && has(witness, slot_flag::unix_stream) && !has(witness, kCameOtherwise);
}

Finding judge_unconnected(const Witness& witness, const KernelFacts& facts, std::uint64_t now_ns) {
  const bool tried = has(witness, slot_flag::connect_tried);
  if (!tried && facts.bound) return {};  // a reserved port; it may listen one day
  const std::uint64_t since = witness.sighted ? witness.sighted_ns : witness.opened_ns;
  return {Verdict::abandoned, std::min(since, now_ns), !tried};
}

}  // namespace

Finding judge(const Witness& witness, const KernelFacts& facts, std::uint64_t first_seen_dead_ns,
              std::uint64_t now_ns) {
  const std::uint64_t seen = first_seen_dead_ns == 0 ? now_ns : first_seen_dead_ns;
  if (has(witness, slot_flag::listener | slot_flag::ignored)) return {};
  if (facts.state == TCP_FIN_WAIT2) return judge_half_open(witness, facts, seen, now_ns);
  if (!is_over(facts.state)) return {};
  if (facts.state == TCP_CLOSE && !was_connected(witness, facts))
    return judge_unconnected(witness, facts, now_ns);
  // Legal half-close: our side is still delivering, and the peer has yet to take it.
  if (facts.state == TCP_CLOSE_WAIT && facts.unsent > 0) return {};
  std::uint64_t since = witness.sighted ? witness.sighted_ns : seen;
  if (facts.sent_data) since = std::max(since, facts.last_sent_ns);
  if (facts.still_reading) since = now_ns;
  const Verdict verdict = verdict_of_connection(witness, facts);
  return {verdict, std::min(since, now_ns), may_be_a_dead_end(witness, verdict)};
}

}  // namespace socktrack
