// Verdicts as they are spoken: groups and accusations in the recording. Written by one sweep at a time;
// the recorder marks late closes beside us (Accusation::ended_ns decides who was first).
#pragma once

#include <cstdint>

#include "watch/detector.h"
#include "watch/probe.h"
#include "watch/sweep.h"

namespace socktrack {

// One socket that is over, at the moment of a sweep.
struct Suspect {
  std::uint32_t fd;
  std::uint64_t word;  // of its slot when it was judged
  std::uint64_t cookie;
  Witness witness;
  Finding finding;
  KernelFacts facts;
  SweepKind kind;
  std::uint64_t now_ns;

  bool is_unix() const { return (witness.flags & slot_flag::unix_stream) != 0; }
};

// A connection in a listen queue: it has no descriptor and no slot; the listener's stand in.
struct QueuedSuspect {
  std::uint32_t fd = 0;
  std::uint64_t word = 0;
  std::uint64_t cookie = 0;  // of the connection
  std::uint32_t recv_q = 0;
  std::uint32_t send_q = 0;
  Endpoint local{};
  Endpoint peer{};
  std::uint32_t queue_length = 0;
  std::uint32_t queue_limit = 0;
  std::uint64_t since_ns = 0;
  std::uint64_t now_ns = 0;
  bool at_exit = false;
};

class VerdictBook {
 public:
  explicit VerdictBook(const SweepHost& host) : host_(host) {}

  // Speaks the verdict if it is old enough and has not been spoken.
  void consider(const Suspect& suspect, Slot& slot);
  // Index + 1 of its accusation once it was spoken of, else 0.
  std::uint32_t consider_queued(const QueuedSuspect& queued);
  // The socket is healthy after all: takes an accusation back.
  void withdraw(Slot& slot, std::uint64_t now_ns);
  void end_accusation(std::uint32_t index, std::uint64_t now_ns);
  bool is_open(std::uint32_t fd, std::uint64_t word) const;  // still the socket that had this word

  std::uint32_t spoken() const { return spoken_; }
  std::uint32_t too_fresh() const { return too_fresh_; }
  std::uint32_t new_groups() const { return new_groups_; }
  // A verdict waits for answers that are not there (SweepHost::questions).
  bool wants_answers() const { return wants_answers_; }

 private:
  Group* group_for(const Suspect& suspect, const Slot& slot, bool young, std::uint32_t& index);
  Group* group_of(const Suspect& suspect, const Slot& slot, bool young, std::uint32_t& index);
  Group* new_group(const Suspect& suspect, const Slot& slot, std::uint32_t flags, std::uint32_t& index);
  std::uint64_t grace_of(const Suspect& suspect, const Slot& slot);
  bool is_time(const Suspect& suspect, const Slot& slot, bool& young);
  Accusation* new_accusation(std::uint32_t& index);
  void speak(const Suspect& suspect, Slot& slot, bool young);
  void add_evidence(Group& group, const Suspect& suspect, const Slot& slot) const;
  bool must_wait_for_answers(Suspect& suspect);
  // Index of an accusation that is ready but for its group's count; kMaxAccusations if there is no room.
  std::uint32_t write_accusation(const Suspect& suspect, std::uint32_t group_index,
                                 const SocketAddresses& addresses, std::uint32_t recv_q, std::uint32_t tid);
  void count_spoken(Group& group, std::uint64_t now_ns);
  std::uint32_t sighting_site(const Suspect& suspect, const Slot& slot) const;
  bool same_key(const Group& group, const Suspect& suspect, const Slot& slot, std::uint32_t flags) const;
  template <typename T>
  T* area(std::uint64_t offset) const {
    return reinterpret_cast<T*>(reinterpret_cast<char*>(host_.recording) + offset);
  }

  const SweepHost& host_;
  std::uint32_t spoken_ = 0;
  std::uint32_t new_groups_ = 0;
  std::uint32_t too_fresh_ = 0;
  bool wants_answers_ = false;
};

}  // namespace socktrack
