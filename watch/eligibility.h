// May this socket be acted on, and how far up the ladder? A pure function; design.md section 6 and
// docs/mitigation.md are its table. Every "no" has a reason that people are shown.
//
// Asked three times for each act: with what the recorder knows (cheap, for all accused sockets), with what
// the kernel says, and once more, with both, while the slot is claimed.
#pragma once

#include <cstdint>

#include "socktrack/recording.h"
#include "watch/detector.h"
#include "watch/waiting_peer.h"

namespace socktrack {

struct LeakFacts {
  Verdict verdict = Verdict::healthy;
  std::uint32_t flags = 0;  // slot_flag
  Rung reached = Rung::observe;
  std::uint64_t idle_ns = 0;         // since the last progress
  std::uint64_t group_grace_ns = 0;  // raised by late closes
  std::uint64_t fingerprint = 0;
  bool group_off = false;      // the program used a socket of it that we had acted on
  bool group_answers = false;  // a socket of it sent data after it had been dead
  bool group_closes_late = false;
};

// What of the whole process counts.
struct ProcessFacts {
  bool short_of_descriptors = false;  // by --mitigate-at, or a call has failed
  bool sigpipe_kills = true;          // its disposition is the default
  bool unseen_closes = false;
};

// What only /proc and the kernel's list of sockets know.
struct Surroundings {
  bool known = false;
  bool other_process = false;
  bool thread_inside = false;
  bool epoll_unknown = false;
  bool epoll_spins = false;
  PeerEnd peer = PeerEnd::unknown;  // if asked for
  Seer seer = Seer::unknown;
};

struct Plan {
  Rung rung = Rung::observe;  // what would be done; meaningful also when refused
  Refusal refusal = Refusal::none;
  bool allowed() const { return refusal == Refusal::none; }
};

// How far the user and the verdict let it go: never above the rung in force.
Rung highest_rung(const LadderPolicy& policy, const LeakFacts& leak);

// By what is known without a system call.
Plan plan_for(const LadderPolicy& policy, const ProcessFacts& process, const LeakFacts& leak);

// By the kernel, for a plan that was allowed so far.
Refusal refusal_of_kernel(Rung rung, const KernelFacts& kernel);

// By what else uses the socket.
Refusal refusal_of_surroundings(Rung rung, const Surroundings& around);

// True if the policy names the group itself, not only "all".
bool names_group(const LadderPolicy& policy, std::uint64_t fingerprint);

// Actions per time: a bucket that holds one second's worth, at least one.
class RateLimit {
 public:
  // How many actions may start now; take() what was used.
  std::uint32_t available(std::uint64_t per_hour, std::uint64_t now_ns);
  void take(std::uint32_t actions) { tokens_ -= static_cast<double>(actions); }

 private:
  double tokens_ = 0;
  std::uint64_t filled_ns_ = 0;
};

}  // namespace socktrack
