#include <algorithm>

#include "socktrack/ladder.h"

namespace socktrack {

bool store_policy(SharedPolicy& shared, const LadderPolicy& policy) {
  std::uint32_t sequence = shared.sequence.load(std::memory_order_relaxed);
  if ((sequence & 1U) != 0) return false;
  if (!shared.sequence.compare_exchange_strong(sequence, sequence + 1, std::memory_order_acq_rel))
    return false;
  // Hazard: on aarch64 a plain store may be seen before the odd sequence. Consequence: a reader takes over
  // half of the old settings and half of the new. Rule: each value is released, and acquired by the reader.
  shared.rung.store(static_cast<std::uint32_t>(policy.rung), std::memory_order_release);
  shared.allow_all.store(policy.allow_all ? 1 : 0, std::memory_order_release);
  shared.at_percent.store(policy.at_percent, std::memory_order_release);
  shared.allowed_count.store(policy.allowed_count, std::memory_order_release);
  for (std::uint32_t i = 0; i < kMaxAllowed; i++)
    shared.allowed[i].store(policy.allowed[i], std::memory_order_release);
  shared.after_ns.store(policy.after_ns, std::memory_order_release);
  shared.per_hour.store(policy.per_hour, std::memory_order_release);
  shared.sequence.store(sequence + 2, std::memory_order_release);
  return true;
}

std::uint32_t load_policy(const SharedPolicy& shared, LadderPolicy& policy) {
  const std::uint32_t before = shared.sequence.load(std::memory_order_acquire);
  if ((before & 1U) != 0) return 0;
  LadderPolicy read;
  const std::uint32_t rung = shared.rung.load(std::memory_order_acquire);
  read.rung = rung < kRungs ? static_cast<Rung>(rung) : Rung::observe;
  read.allow_all = shared.allow_all.load(std::memory_order_acquire) != 0;
  read.at_percent =
      static_cast<std::uint8_t>(std::min(shared.at_percent.load(std::memory_order_acquire), 100U));
  read.allowed_count = std::min(shared.allowed_count.load(std::memory_order_acquire), kMaxAllowed);
  for (std::uint32_t i = 0; i < kMaxAllowed; i++)
    read.allowed[i] = shared.allowed[i].load(std::memory_order_acquire);
  read.after_ns = shared.after_ns.load(std::memory_order_acquire);
  read.per_hour = shared.per_hour.load(std::memory_order_acquire);
  if (shared.sequence.load(std::memory_order_relaxed) != before) return 0;
  policy = read;
  return before;
}

}  // namespace socktrack
