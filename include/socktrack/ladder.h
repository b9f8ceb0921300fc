// The mitigation ladder's part of the recording: the settings in force, which the command may change while
// the program runs, and what the hand did and refused, per group. design.md section 6.
//
// The settings are guarded by a sequence: odd while they are written, and whoever reads them reads again
// until it saw the same even number before and after. Nothing here is a pointer or a descriptor: a recording
// can be changed by whoever may write the file, and by nobody else.
#pragma once

#include <atomic>
#include <cstdint>

namespace socktrack {

// What may be done to a leaked socket. Stored: append only. Names: watch/ladder_words.h.
enum class Rung : std::uint8_t {
  observe = 0,  // nothing
  probe = 1,    // short keepalive: a peer that is gone answers with a reset, a living one is untouched
  finish = 2,   // shutdown: the FIN goes out, the number stays
  park = 3,     // ... and the number gets a dead end: the socket is freed, a late close() is right
  close = 4,    // ... and the number is free
};
inline constexpr std::uint32_t kRungs = 5;

// Why nothing is done to an accused socket. Stored in five bits: append only, at most 32.
enum class Refusal : std::uint8_t {
  none = 0,
  observing,      // the rung is observe
  verdict_never,  // data unread, inherited, not accepted: no leak that may be acted on
  probe_only,     // an unread FIN: an idle pool entry heals itself on reuse
  not_allowed,    // the user did not name the group
  off_ladder,     // the program used a socket of this group after we had acted on one
  answers_later,  // a socket of this group sent data after it had been dead: a half-close that is used
  too_young,      // --mitigate-after, or the grace that late closes have raised
  not_short,      // --mitigate-at: there are descriptors enough
  rate,           // --mitigate-rate: later
  unread_data,
  unsent_data,
  wrong_state,     // the connection is not over, or not any more
  already_closed,  // there is no connection left to probe or finish
  duplicated,      // the program has another descriptor of it
  other_process,   // another process holds it
  passed,          // a copy was sent over SCM_RIGHTS
  inherited,       // came over a fork
  stdio,           // owned by a FILE, whose writes no hook sees: SIGPIPE would end the program
  listener,
  other_kind,     // no TCP stream
  program_asked,  // socktrack.h: the program wants it left alone
  thread_inside,  // a thread is blocked in a call on it
  epoll_spins,    // registered for nothing: finish would wake its loop without end
  epoll_unknown,  // registered in more sets than can be handled, or under a number that is gone
  unseen_closes,  // descriptors are closed where no hook sees it: the number cannot be guarded
  changed,        // it changed hands or moved while we looked
  not_inspected,  // /proc could not be read, so others who use it cannot be excluded
  no_dead_end,    // park waits for the first socket that is fully shut down
  marked,         // will be acted on in the next round
  failed,         // the kernel refused
  done,           // the rung is reached
};
inline constexpr std::uint32_t kRefusals = 32;
static_assert(static_cast<std::uint32_t>(Refusal::done) == kRefusals - 1);

// A rung and a refusal in one byte: what would be done, or why not.
inline constexpr std::uint8_t pack_plan(Rung rung, Refusal refusal) {
  return static_cast<std::uint8_t>((static_cast<unsigned>(rung) << 5U) | static_cast<unsigned>(refusal));
}
inline constexpr Rung plan_rung(std::uint8_t plan) { return static_cast<Rung>(plan >> 5U); }
inline constexpr Refusal plan_refusal(std::uint8_t plan) { return static_cast<Refusal>(plan & 31U); }

inline constexpr std::uint32_t kMaxAllowed = 32;

// The settings, as plain values.
struct LadderPolicy {
  Rung rung = Rung::observe;
  bool allow_all = false;
  std::uint8_t at_percent = 0;  // of RLIMIT_NOFILE; 0 = always
  std::uint32_t allowed_count = 0;
  std::uint64_t allowed[kMaxAllowed] = {};  // fingerprints
  std::uint64_t after_ns = 600'000'000'000;
  std::uint64_t per_hour = 36'000;  // 10 per second
};

// ... and in shared memory.
struct SharedPolicy {
  std::atomic<std::uint32_t> sequence;
  std::atomic<std::uint32_t> rung;
  std::atomic<std::uint32_t> allow_all;
  std::atomic<std::uint32_t> at_percent;
  std::atomic<std::uint32_t> allowed_count;
  std::uint32_t reserved;
  std::atomic<std::uint64_t> allowed[kMaxAllowed];
  std::atomic<std::uint64_t> after_ns;
  std::atomic<std::uint64_t> per_hour;
};
static_assert(sizeof(SharedPolicy) == 40 + 8 * kMaxAllowed);

struct LadderControl {
  SharedPolicy active;
  std::atomic<std::uint32_t> applied;  // the sequence of `active` that the hand works by
  std::atomic<std::uint32_t> rounds;   // of the hand
  SharedPolicy proposed;               // a dry run: what would be done under it
  std::atomic<std::uint32_t> planned;  // the sequence of `proposed` that was answered last
  std::atomic<std::uint32_t> armed;    // 1 = acting now (the rung is above observe, pressure is high enough)
  std::atomic<std::uint64_t> audit_lost;  // actions whose line could not be written
  std::atomic<std::uint64_t> reclaimed;   // calls that failed for lack of descriptors and then succeeded
  std::atomic<std::uint64_t> not_reclaimed;
};
static_assert(sizeof(LadderControl) <= 1024);

namespace ladder_flag {
inline constexpr std::uint32_t off = 1U << 0U;   // the program used a socket after we had acted on it
inline constexpr std::uint32_t told = 1U << 1U;  // ... and the audit says so
}  // namespace ladder_flag

// Beside each group.
struct GroupLadder {
  std::atomic<std::uint64_t> fingerprint;    // 0 = not known yet
  std::atomic<std::uint32_t> flags;          // ladder_flag
  std::atomic<std::uint32_t> off_operation;  // Operation: the use that took it off
  std::atomic<std::uint32_t> acted[kRungs];  // sockets, by rung
  std::atomic<std::uint32_t> reserved;
  std::atomic<std::uint32_t> refused[kRefusals];  // sockets still accused, as of the last round
};
static_assert(sizeof(GroupLadder) == 168);

// Writes the settings. False: somebody else is writing them. Any process, no lock.
bool store_policy(SharedPolicy& shared, const LadderPolicy& policy);
// Reads them; returns their sequence. Values out of range are cut. 0: being written.
std::uint32_t load_policy(const SharedPolicy& shared, LadderPolicy& policy);

}  // namespace socktrack
