#include "preload/waiting_client.h"

#include <fcntl.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstddef>
#include <iterator>

#include "watch/raw_syscall.h"

namespace socktrack {
namespace {

bool blocks(std::uint32_t fd) {
  const long flags = raw_syscall(SYS_fcntl, fd, F_GETFL);
  return !raw_failed(flags) && (flags & O_NONBLOCK) == 0;
}

// Nothing known: asked, and never answered.
Exchange exchange_of(std::uint32_t fd) {
  tcp_info info{};
  socklen_t size = sizeof info;
  const long answer = raw_syscall(SYS_getsockopt, fd, IPPROTO_TCP, TCP_INFO, reg(&info), reg(&size));
  if (raw_failed(answer) || size < offsetof(tcp_info, tcpi_delivery_rate)) return {.segments_in = 1};
  return {info.tcpi_data_segs_in, info.tcpi_data_segs_out, info.tcpi_last_data_recv,
          info.tcpi_last_data_sent};
}

}  // namespace

WaitingClient::End WaitingClient::end_of(const Accusation& accusation, const Slot& slot) {
  return {slot.sighted_ns.load(std::memory_order_relaxed), accusation.tid, accusation.fd};
}

// A lossy cache, like the names of threads: what is forgotten makes us more careful.
WaitingClient::End& WaitingClient::latest_of(std::uint32_t tid) {
  static End latest[256];
  return latest[tid % std::size(latest)];
}

void WaitingClient::note_end(const Accusation& accusation, const Slot& slot) {
  const End end = end_of(accusation, slot);
  End& latest = latest_of(end.tid);
  if (latest.tid != end.tid || latest.is_before(end)) latest = end;
}

bool WaitingClient::saw_later_end() const {
  const End& latest = latest_of(end_.tid);
  return end_.tid != 0 && latest.tid == end_.tid && end_.is_before(latest);
}

void WaitingClient::ask(Subject& subject, const Accusation& accusation, const Slot& slot,
                        std::uint64_t now_ns) {
  constexpr std::uint64_t kMillisecond = 1'000'000;
  const std::uint64_t dead_since_ns = slot.dead_since_ns.load(std::memory_order_relaxed);
  end_ = end_of(accusation, slot);
  facts_.answer = answer_of(exchange_of(end_.fd), (now_ns - std::min(now_ns, end_.seen_ns)) / kMillisecond);
  facts_.one_at_a_time = blocks(end_.fd);
  facts_.silent_ns = now_ns - std::min(now_ns, dead_since_ns);
  facts_.seer = Seer::busy;  // the worst, before it is asked
  if (!peer_may_wait(facts_)) return;
  subject.seer_tid = end_.tid;
  subject.local = accusation.local;
  subject.peer = accusation.peer;
}

bool WaitingClient::may_wait(const Surroundings& around) const {
  WaitingFacts facts = facts_;
  facts.peer = around.peer;
  facts.seer = around.seer;
  facts.saw_later_end = saw_later_end();
  return peer_may_wait(facts);
}

}  // namespace socktrack
