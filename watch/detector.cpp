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

Verdict verdict_of_connection(const Witness& witness, const KernelFacts& facts) {
  if (witness.sighted && witness.error != 0) return Verdict::error_not_closed;
  if (facts.state == TCP_CLOSE_WAIT && facts.unread > 0) return Verdict::data_unread;
  if (witness.sighted) return Verdict::eof_not_closed;
  if (has(witness, slot_flag::inherited)) return Verdict::inherited;
  return Verdict::fin_unread;
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
  if (!is_over(facts.state) || has(witness, slot_flag::listener)) return {};
  if (facts.state == TCP_CLOSE && !was_connected(witness, facts))
    return judge_unconnected(witness, facts, now_ns);
  // Legal half-close: our side is still delivering, and the peer has yet to take it.
  if (facts.state == TCP_CLOSE_WAIT && facts.unsent > 0) return {};
  const std::uint64_t seen = first_seen_dead_ns == 0 ? now_ns : first_seen_dead_ns;
  std::uint64_t since = witness.sighted ? witness.sighted_ns : seen;
  if (facts.sent_data) since = std::max(since, facts.last_sent_ns);
  return {verdict_of_connection(witness, facts), std::min(since, now_ns), false};
}

}  // namespace socktrack
