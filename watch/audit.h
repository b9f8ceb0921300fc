// What is told of an act of the mitigation ladder: one JSON line each.
#pragma once

#include <string>

#include "watch/detector.h"
#include "watch/names.h"
#include "watch/probe.h"
#include "watch/recording_reader.h"

namespace socktrack {

// Plain values only: it travels from the hand to the thread that writes.
struct AuditEntry {
  enum class Kind : std::uint8_t { act, settings, off_ladder } kind = Kind::act;
  Rung rung = Rung::observe;                       // what was tried, or set
  Refusal outcome = Refusal::none;                 // none = done
  bool waits = false;                              // park: shut down, waits for a dead end
  bool reclaim = false;                            // a call of the program had failed for lack of descriptors
  std::uint8_t state_before = 0, state_after = 0;  // TCP_*
  Operation used_by = Operation::none;             // off_ladder
  int error = 0;                                   // errno, if it failed
  std::uint32_t group = 0;
  std::uint32_t fd = 0;
  std::uint32_t recv_q = 0, send_q = 0;  // before
  std::uint64_t realtime_ns = 0;
  std::uint64_t cookie = 0;
  std::uint64_t idle_ns = 0;
  std::uint64_t open_ns = 0;  // since it was opened
  SocketAddresses addresses;
};

// With a line end. Ordinary C++.
std::string audit_line(const RecordingView& recording, const AuditEntry& entry, Names& names);

}  // namespace socktrack
