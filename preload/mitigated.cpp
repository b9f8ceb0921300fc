#include "preload/mitigated.h"

#include "preload/claim.h"
#include "preload/process.h"
#include "preload/recorder.h"
#include "preload/table.h"

namespace socktrack::mitigated {

namespace {

bool expects(Operation operation, std::uint32_t flags) {
  // A loop that finish has woken reads the end, or finishes itself: that is what finish is for.
  if ((flags & slot_flag::parked) != 0) return false;
  switch (operation) {
    case Operation::recv:
    case Operation::recvfrom:
    case Operation::recvmsg:
    case Operation::recvmmsg:
    case Operation::read:
    case Operation::readv:
    case Operation::preadv2:
    case Operation::shutdown:
    case Operation::getsockopt:
    case Operation::poll:
    case Operation::epoll_wait:
    case Operation::epoll_ctl:
      return true;
    default:
      return false;
  }
}

Slot* slot_of(int fd) { return recorder::slot_at(recorder::recording(), static_cast<std::uint32_t>(fd)); }

// Nothing more is done to the group that the socket was accused in.
void take_off(const Slot& slot, Operation operation) {
  const std::uint32_t index = slot.accusation.load(std::memory_order_acquire);
  if (index == 0 || index > kMaxAccusations) return;
  Header* recording = recorder::recording();
  auto* start = reinterpret_cast<char*>(recording);
  const auto& accusation = reinterpret_cast<Accusation*>(start + recording->accusations_at)[index - 1];
  if (accusation.group >= kMaxGroups) return;
  auto& ladder = reinterpret_cast<GroupLadder*>(start + recording->ladder_at)[accusation.group];
  if (!recorder::touch(&ladder, sizeof ladder) || (ladder.flags.load() & ladder_flag::off) != 0) return;
  ladder.off_operation.store(static_cast<std::uint32_t>(operation), std::memory_order_relaxed);
  ladder.flags.fetch_or(ladder_flag::off, std::memory_order_release);
}

}  // namespace

bool keeps_from_connecting(int fd) {
  constexpr std::uint32_t kTouched = slot_flag::marked | slot_flag::finished | slot_flag::parked;
  if ((table::flags_of(fd) & kTouched) == 0) return false;
  if (process::at_home()) {
    Slot* slot = slot_of(fd);
    if (slot == nullptr) return false;
    take_off(*slot, Operation::connect);
    claim::wait_for(*slot);  // the hand may have looked at its group before that
  }
  return (table::flags_of(fd) & slot_flag::parked) != 0;
}

void used(int fd, Operation operation) {
  if (!exist() || process::ours) return;
  const std::uint32_t flags = table::flags_of(fd);
  if ((flags & (slot_flag::finished | slot_flag::parked)) == 0 || expects(operation, flags)) return;
  if (Slot* slot = slot_of(fd)) take_off(*slot, operation);
}

bool is_parked(int fd) { return exist() && (table::flags_of(fd) & slot_flag::parked) != 0; }

}  // namespace socktrack::mitigated
