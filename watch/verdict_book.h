// Verdicts as they are spoken: groups and accusations in the recording. Written by one sweep at a time;
// the recorder marks late closes beside us (Accusation::ended_ns decides who was first).
#pragma once

#include <cstdint>

#include "watch/detector.h"
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

class VerdictBook {
 public:
  explicit VerdictBook(const SweepHost& host) : host_(host) {}

  // Speaks the verdict if it is old enough and has not been spoken.
  void consider(const Suspect& suspect, Slot& slot);
  // The socket is healthy after all: takes an accusation back.
  void withdraw(Slot& slot, std::uint64_t now_ns);

  std::uint32_t spoken() const { return spoken_; }
  std::uint32_t too_fresh() const { return too_fresh_; }
  std::uint32_t new_groups() const { return new_groups_; }

 private:
  Group* group_for(const Suspect& suspect, const Slot& slot, bool young, std::uint32_t& index);
  Group* new_group(const Suspect& suspect, const Slot& slot, std::uint32_t flags, std::uint32_t& index);
  std::uint64_t grace_of(const Suspect& suspect, const Slot& slot);
  bool is_time(const Suspect& suspect, const Slot& slot, bool& young);
  Accusation* new_accusation(std::uint32_t& index);
  void speak(const Suspect& suspect, Slot& slot, bool young);
  template <typename T>
  T* area(std::uint64_t offset) const {
    return reinterpret_cast<T*>(reinterpret_cast<char*>(host_.recording) + offset);
  }

  const SweepHost& host_;
  std::uint32_t spoken_ = 0;
  std::uint32_t new_groups_ = 0;
  std::uint32_t too_fresh_ = 0;
};

}  // namespace socktrack
