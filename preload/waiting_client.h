// Whether a client may be waiting for an answer on a socket that looks leaked (watch/waiting_peer.h): what
// the hand asks of the slot and of the kernel before, and of the surroundings after. On the hand's thread
// only.
#pragma once

#include <cstdint>

#include "socktrack/recording.h"
#include "watch/eligibility.h"
#include "watch/surroundings.h"

namespace socktrack {

class WaitingClient {
 public:
  // For each accused socket, in each round: what its thread has seen since tells of earlier ones.
  static void note_end(const Accusation& accusation, const Slot& slot);

  // Puts the questions into `subject`, if the answers can matter.
  void ask(Subject& subject, const Accusation& accusation, const Slot& slot, std::uint64_t now_ns);

  // After the look around.
  bool may_wait(const Surroundings& around) const;

 private:
  // The end of a connection as it was read. The clock of sightings ticks in milliseconds; of those that a
  // thread reads in one tick the highest number is taken for the last.
  struct End {
    std::uint64_t seen_ns = 0;
    std::uint32_t tid = 0;
    std::uint32_t fd = 0;
    bool is_before(const End& other) const {
      return seen_ns != other.seen_ns ? seen_ns < other.seen_ns : fd < other.fd;
    }
  };
  static End end_of(const Accusation& accusation, const Slot& slot);
  static End& latest_of(std::uint32_t tid);
  bool saw_later_end() const;

  WaitingFacts facts_;
  End end_;
};

}  // namespace socktrack
