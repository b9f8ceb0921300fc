#include "watch/sweep.h"

#include <netinet/tcp.h>
#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "watch/backlog.h"
#include "watch/detector.h"
#include "watch/history.h"
#include "watch/inquiry.h"
#include "watch/probe.h"
#include "watch/proc_scan.h"
#include "watch/raw_syscall.h"
#include "watch/severity.h"
#include "watch/verdict_book.h"

namespace socktrack {
namespace {

constexpr std::uint32_t kChunk = 512;
constexpr short kOver = POLLRDHUP | POLLHUP | POLLERR | POLLNVAL;

std::atomic<bool> g_sweeping{false};

// How many unused sockets each open site has, as counted by the pass before (Finding::needs_company).
std::uint16_t g_unused[kMaxSites];
std::uint16_t g_unused_counting[kMaxSites];
bool g_counted = false;

// Unread bytes of each suspect at the sweep before: a slow reader makes progress that no clock of the kernel
// shows. Pages of it are touched where suspects are.
std::uint32_t g_unread[kMaxSlots];
bool g_half_open[kMaxSlots];

// Questions of sweeps, answers to them, and the round that is being asked (by one thread, without the lock).
Inquiry g_questions;
Inquiry g_answers;
Inquiry g_round;

struct Pass {
  const SweepHost& host;
  VerdictBook& book;
  SweepKind kind;
  std::uint64_t now_ns;

  Slot& slot(std::uint32_t fd) const {
    return reinterpret_cast<Slot*>(reinterpret_cast<char*>(host.recording) + host.recording->slots_at)[fd];
  }
  void look_at(std::uint32_t fd, bool over);
  void look_at_queue(std::uint32_t fd);
  void judge_slot(std::uint32_t fd, Slot& slot, std::uint64_t word, std::uint64_t cookie,
                  const KernelFacts& facts);
  bool has_lower_twin(std::uint32_t fd, const Slot& slot, std::uint64_t cookie) const;
  bool probe(std::uint32_t fd, std::uint64_t word, KernelFacts& facts) const;
  Witness witness_of(const Slot& slot, std::uint64_t word) const;
};

Witness Pass::witness_of(const Slot& slot, std::uint64_t word) const {
  Witness witness;
  const auto& rings = host.recording->blind_spots[static_cast<std::size_t>(BlindSpot::io_uring)];
  witness.reads_by_ring = rings.load(std::memory_order_relaxed) > 0;
  witness.flags = word_flags(word);
  witness.opened_ns = slot.opened_ns.load(std::memory_order_relaxed);
  witness.forked_since = host.recording->forked_ns.load(std::memory_order_relaxed) > witness.opened_ns;
  const Sighting sighting = unpack(slot.sighting.load(std::memory_order_acquire));
  witness.sighted = (witness.flags & slot_flag::sighted) != 0 &&
                    sighting.generation == static_cast<std::uint16_t>(word_generation(word));
  if (!witness.sighted) {
    witness.tried_ns = slot.sighted_ns.load(std::memory_order_relaxed);
    return witness;
  }
  witness.error = sighting.error;
  witness.operation = sighting.operation;
  witness.sighted_ns = slot.sighted_ns.load(std::memory_order_relaxed);
  return witness;
}

// A socket with two numbers is one leak: the lowest number stands for it.
bool Pass::has_lower_twin(std::uint32_t fd, const Slot& slot, std::uint64_t cookie) const {
  const std::uint64_t opened = slot.opened_ns.load(std::memory_order_relaxed);
  for (std::uint32_t other = 0; other < fd; other++) {
    if (((host.tracked_bits[other / 64].load(std::memory_order_relaxed) >> (other % 64)) & 1U) == 0) continue;
    const Slot& twin = this->slot(other);
    if ((word_flags(twin.word.load(std::memory_order_relaxed)) & slot_flag::duplicate) == 0) continue;
    if (twin.opened_ns.load(std::memory_order_relaxed) != opened) continue;
    if (socket_cookie(static_cast<int>(other)) == cookie) return true;
  }
  return false;
}

// A socket that may be listening and is readable: how many connections wait?
void Pass::look_at_queue(std::uint32_t fd) {
  const std::uint64_t word = slot(fd).word.load(std::memory_order_acquire);
  const std::uint32_t flags = word_flags(word);
  constexpr std::uint32_t connection =
      slot_flag::accepted | slot_flag::connect_tried | slot_flag::unix_stream;
  if ((flags & slot_flag::live) == 0 || (flags & (connection | slot_flag::ignored)) != 0) return;
  ListenQueue queue;
  if (!probe_queue(static_cast<int>(fd), queue) || queue.length == 0) return;
  const SocketAddresses addresses = socket_addresses(static_cast<int>(fd));
  const bool came_by_fork = (flags & slot_flag::inherited) != 0 && host.recording->birth_site != 0;
  backlog::note({fd, word, came_by_fork ? addresses.inode : 0, addresses.local, queue}, now_ns);
}

bool Pass::probe(std::uint32_t fd, std::uint64_t word, KernelFacts& facts) const {
  const std::uint32_t flags = word_flags(word);
  if ((flags & slot_flag::unix_stream) == 0) return probe_tcp(static_cast<int>(fd), now_ns, facts);
  if (!probe_unix(static_cast<int>(fd), facts)) return false;
  // Its own shutdown hangs a UNIX socket up as well; TCP says CLOSE then.
  if (facts.state == TCP_CLOSE_WAIT && (flags & slot_flag::shut_write) != 0) facts.state = TCP_CLOSE;
  return true;
}

void Pass::look_at(std::uint32_t fd, bool over) {
  Slot& slot = this->slot(fd);
  const std::uint64_t word = slot.word.load(std::memory_order_acquire);
  if ((word_flags(word) & slot_flag::live) == 0) return;
  const std::uint32_t generation = word_generation(word);
  const bool known = slot.watched_generation.load(std::memory_order_relaxed) == generation;
  // Poll does not tell that only our side is shut down.
  constexpr std::uint32_t half_open = slot_flag::shut_write;
  over = over || (word_flags(word) & (half_open | slot_flag::unix_stream)) == half_open;
  if (!over && (!known || slot.dead_since_ns.load(std::memory_order_relaxed) == 0)) return;

  const std::uint64_t cookie = socket_cookie(static_cast<int>(fd));
  KernelFacts facts;
  if (cookie == 0 || !probe(fd, word, facts) ||
      (known && slot.cookie.load(std::memory_order_relaxed) != cookie)) {
    host.untrack(fd, word);
    return;
  }
  // Acted on by the hand: what the kernel says now is our doing, or about the dead end that parked numbers
  // share.
  if ((word_flags(word) & (slot_flag::finished | slot_flag::parked)) != 0) return;
  if (!known) {
    slot.cookie.store(cookie, std::memory_order_relaxed);
    slot.dead_since_ns.store(0, std::memory_order_relaxed);
    slot.accusation.store(0, std::memory_order_relaxed);
    slot.watched_generation.store(generation, std::memory_order_release);
    g_unread[fd] = 0;
    g_half_open[fd] = false;
  }
  // The peer that closes at last begins a new wait, for us.
  const bool was_half_open = g_half_open[fd];
  g_half_open[fd] = facts.state == TCP_FIN_WAIT2;
  if (was_half_open && !g_half_open[fd]) slot.dead_since_ns.store(0, std::memory_order_relaxed);
  facts.still_reading = facts.unread < g_unread[fd];
  g_unread[fd] = facts.unread;
  judge_slot(fd, slot, word, cookie, facts);
}

void Pass::judge_slot(std::uint32_t fd, Slot& slot, std::uint64_t word, std::uint64_t cookie,
                      const KernelFacts& facts) {
  const Witness witness = witness_of(slot, word);
  const Finding finding = judge(witness, facts, slot.dead_since_ns.load(std::memory_order_relaxed), now_ns);
  if (finding.verdict == Verdict::healthy) {
    slot.dead_since_ns.store(0, std::memory_order_relaxed);
    book.withdraw(slot, now_ns);
    return;
  }
  slot.dead_since_ns.store(finding.since_ns, std::memory_order_relaxed);
  const std::uint32_t site = slot.open_site.load(std::memory_order_relaxed) % kMaxSites;
  if (finding.needs_company) {
    g_unused_counting[site] = static_cast<std::uint16_t>(std::min(g_unused_counting[site] + 1, 0xffff));
    if (g_unused[site] < kCompany) return;
  }
  if ((word_flags(word) & slot_flag::duplicate) != 0 && has_lower_twin(fd, slot, cookie)) return;
  // inetd's connection: the program's end is the close that was meant.
  constexpr std::uint32_t came_over_exec = slot_flag::adopted | slot_flag::inherited;
  if (kind == SweepKind::at_exit && fd <= STDERR_FILENO &&
      (word_flags(word) & came_over_exec) == came_over_exec)
    return;
  book.consider({fd, word, cookie, witness, finding, facts, kind, now_ns}, slot);
}

void poll_chunk(Pass& pass, const std::uint32_t* fds, std::uint32_t count) {
  pollfd polled[kChunk];
  for (std::uint32_t i = 0; i < count; i++) polled[i] = {static_cast<int>(fds[i]), POLLRDHUP | POLLIN, 0};
  timespec none{};
  if (raw_failed(raw_syscall(SYS_ppoll, reg(polled), count, reg(&none), 0, 8))) return;
  for (std::uint32_t i = 0; i < count; i++) {
    const bool over = (polled[i].revents & kOver) != 0;
    pass.look_at(fds[i], over);
    if (!over && (polled[i].revents & POLLIN) != 0) pass.look_at_queue(fds[i]);
  }
}

void visit_all(Pass& pass) {
  std::uint32_t fds[kChunk];
  std::uint32_t count = 0;
  const std::uint32_t end = pass.host.recording->highest_slot.load(std::memory_order_acquire);
  for (std::uint32_t base = 0; base < end; base += 64) {
    std::uint64_t bits = pass.host.tracked_bits[base / 64].load(std::memory_order_acquire);
    for (; bits != 0; bits &= bits - 1) {
      fds[count++] = base + static_cast<std::uint32_t>(__builtin_ctzll(bits));
      if (count == kChunk) {
        poll_chunk(pass, fds, count);
        count = 0;
      }
    }
  }
  if (count > 0) poll_chunk(pass, fds, count);
}

// The unused sockets are counted in one pass and judged in the next; at exit there is no next.
void visit(Pass& pass) {
  g_counted = true;
  std::memset(g_unused_counting, 0, sizeof g_unused_counting);
  backlog::begin_pass();
  visit_all(pass);
  const bool again =
      pass.kind != SweepKind::regular && std::memcmp(g_unused, g_unused_counting, sizeof g_unused) != 0;
  std::memcpy(g_unused, g_unused_counting, sizeof g_unused);
  if (again) visit_all(pass);
}

void note_descriptors(Header& recording) {
  recording.fds_open.store(proc::count_of_descriptors(), std::memory_order_relaxed);
  rlimit limit{};
  if (!raw_failed(raw_syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, 0, reg(&limit)))) {
    recording.fds_limit.store(limit.rlim_cur, std::memory_order_relaxed);
  }
}

void book_sizes(Header& recording, std::uint64_t now_ns) {
  auto* groups = reinterpret_cast<Group*>(reinterpret_cast<char*>(&recording) + recording.groups_at);
  const std::uint32_t used = recording.groups_used.load(std::memory_order_relaxed);
  for (std::uint32_t i = 0; i < used; i++) note_size(groups[i], now_ns);
}

void book_moment(const SweepHost& host, std::uint64_t now_ns) {
  Header& recording = *host.recording;
  auto* history = reinterpret_cast<History*>(reinterpret_cast<char*>(&recording) + recording.history_at);
  note_moment(
      *history,
      {now_ns, live_in(recording), leaked_in(recording), recording.mitigated.load(std::memory_order_relaxed),
       recording.fds_open.load(std::memory_order_relaxed)},
      host.touch);
}

template <typename Work>
SweepResult with_pass(const SweepHost& asked, SweepKind kind, std::uint64_t now_ns, Work work) {
  if (g_sweeping.exchange(true, std::memory_order_acquire)) return {};
  SweepHost host = asked;
  host.answers = &g_answers;
  host.questions = asked.can_inquire ? &g_questions : nullptr;
  VerdictBook book(host);
  Pass pass{host, book, kind, now_ns};
  work(pass);
  g_sweeping.store(false, std::memory_order_release);
  return {true, book.spoken(), book.new_groups(), book.too_fresh(), book.wants_answers()};
}

}  // namespace

SweepResult sweep(const SweepHost& host, SweepKind kind, std::uint64_t now_ns) {
  bool queues_wait = false;
  SweepResult result = with_pass(host, kind, now_ns, [&](Pass& pass) {
    visit(pass);
    queues_wait = host.can_inquire && backlog::wants_a_look(host.recording->grace_ns, now_ns);
    if (queues_wait) backlog::ask(g_questions);
    note_descriptors(*host.recording);
    book_sizes(*host.recording, now_ns);
    book_moment(host, now_ns);
    host.recording->swept_monotonic_ns.store(now_ns, std::memory_order_relaxed);
    host.recording->sweeps.fetch_add(1, std::memory_order_relaxed);
  });
  result.wants_inquiry = result.wants_inquiry || queues_wait;
  return result;
}

bool inquire(const SweepHost& host, bool at_exit, std::uint64_t now_ns, SweepResult& result) {
  const SweepKind kind = at_exit ? SweepKind::at_exit : SweepKind::regular;
  const auto take_questions = [](Pass&) {
    g_round.wanted = g_questions.wanted;
    std::memcpy(g_round.inodes, g_questions.inodes, sizeof g_round.inodes);
    g_questions.wanted = 0;
  };
  if (!with_pass(host, kind, now_ns, take_questions).ran) return false;
  g_round.taken_ns = now_ns;
  g_round.leaving_tid = host.leaving_tid;
  take_inquiry(g_round);  // takes its time; sweeps go on meanwhile
  result = with_pass(host, kind, now_ns, [&](Pass& pass) {
    std::memcpy(&g_answers, &g_round, sizeof g_answers);
    if (backlog::wants_a_look(host.recording->grace_ns, now_ns))
      backlog::look(pass.book, g_answers, at_exit, now_ns);
  });
  return result.ran;
}

SweepResult sweep_one(const SweepHost& host, std::uint32_t fd, std::uint64_t now_ns) {
  return with_pass(host, SweepKind::at_exit, now_ns, [&](Pass& pass) { pass.look_at(fd, true); });
}

void reset_sweep_after_fork() {
  g_sweeping.store(false, std::memory_order_relaxed);
  if (g_counted) {  // pages that were never written cost a fault even if they are only read
    for (std::uint16_t& unused : g_unused) {
      if (unused != 0) unused = 0;  // a page that is only read is not copied
    }
  }
  g_questions.wanted = 0;
  g_answers.taken_ns = 0;
  g_answers.wanted = 0;
  backlog::reset();
}

}  // namespace socktrack
