#include "watch/eligibility.h"

#include <netinet/tcp.h>

#include <algorithm>

namespace socktrack {
namespace {

bool has(const LeakFacts& leak, std::uint32_t flag) { return (leak.flags & flag) != 0; }

bool may_be_acted_on(Verdict verdict) {
  return verdict == Verdict::eof_not_closed || verdict == Verdict::error_not_closed ||
         verdict == Verdict::abandoned || verdict == Verdict::fin_unread;
}

Refusal refusal_of_flags(Rung rung, const ProcessFacts& process, const LeakFacts& leak) {
  if (has(leak, slot_flag::unix_stream)) return Refusal::other_kind;
  if (has(leak, slot_flag::listener)) return Refusal::listener;
  if (has(leak, slot_flag::ignored)) return Refusal::program_asked;
  if (has(leak, slot_flag::inherited)) return Refusal::inherited;
  if (has(leak, slot_flag::passed)) return Refusal::passed;
  if (has(leak, slot_flag::duplicate)) return Refusal::duplicated;
  if (rung < Rung::finish) return Refusal::none;
  // Hazard: stdio writes inside libc, past our hooks; nothing would keep SIGPIPE from the program.
  if (has(leak, slot_flag::stdio) && process.sigpipe_kills) return Refusal::stdio;
  if (rung >= Rung::park && process.unseen_closes) return Refusal::unseen_closes;
  return Refusal::none;
}

Refusal refusal_of_group(const LadderPolicy& policy, const LeakFacts& leak) {
  if (!policy.allow_all && !names_group(policy, leak.fingerprint)) return Refusal::not_allowed;
  if (leak.group_off) return Refusal::off_ladder;
  if (leak.group_answers && leak.verdict == Verdict::eof_not_closed) return Refusal::answers_later;
  return Refusal::none;
}

}  // namespace

bool names_group(const LadderPolicy& policy, std::uint64_t fingerprint) {
  const auto* end = policy.allowed + std::min(policy.allowed_count, kMaxAllowed);
  return fingerprint != 0 && std::find(policy.allowed, end, fingerprint) != end;
}

Rung highest_rung(const LadderPolicy& policy, const LeakFacts& leak) {
  if (leak.verdict == Verdict::fin_unread) return std::min(policy.rung, Rung::probe);
  if (policy.rung != Rung::close) return policy.rung;
  // A number that is freed can be hit by a late close of the program: that is chosen for one group by name,
  // and never for a group that was seen to close late.
  const bool chosen = names_group(policy, leak.fingerprint) && !leak.group_closes_late;
  return chosen ? Rung::close : Rung::park;
}

Plan plan_for(const LadderPolicy& policy, const ProcessFacts& process, const LeakFacts& leak) {
  const Rung rung = highest_rung(policy, leak);
  const auto refuse = [rung](Refusal why) { return Plan{rung, why}; };
  if (policy.rung == Rung::observe) return refuse(Refusal::observing);
  if (!may_be_acted_on(leak.verdict)) return refuse(Refusal::verdict_never);
  if (leak.reached >= rung) {
    return refuse(rung < policy.rung && leak.verdict == Verdict::fin_unread ? Refusal::probe_only
                                                                            : Refusal::done);
  }
  if (const Refusal why = refusal_of_group(policy, leak); why != Refusal::none) return refuse(why);
  if (const Refusal why = refusal_of_flags(rung, process, leak); why != Refusal::none) return refuse(why);
  if (leak.idle_ns < std::max(policy.after_ns, leak.group_grace_ns)) return refuse(Refusal::too_young);
  if (policy.at_percent > 0 && !process.short_of_descriptors) return refuse(Refusal::not_short);
  return {rung, Refusal::none};
}

Refusal refusal_of_kernel(Rung rung, const KernelFacts& kernel) {
  const bool closed = kernel.state == TCP_CLOSE;
  if (kernel.state != TCP_CLOSE_WAIT && kernel.state != TCP_LAST_ACK && !closed) return Refusal::wrong_state;
  if (kernel.unread > 0) return Refusal::unread_data;
  if (kernel.unsent > 0 && kernel.state == TCP_CLOSE_WAIT) return Refusal::unsent_data;
  if (rung <= Rung::finish && kernel.state != TCP_CLOSE_WAIT) return Refusal::already_closed;
  return Refusal::none;
}

Refusal refusal_of_surroundings(Rung rung, const Surroundings& around) {
  if (rung < Rung::finish) return Refusal::none;
  if (!around.known) return Refusal::not_inspected;
  if (around.other_process) return Refusal::other_process;
  if (around.thread_inside) return Refusal::thread_inside;
  if (rung >= Rung::park && around.epoll_unknown) return Refusal::epoll_unknown;
  if (rung == Rung::finish && around.epoll_spins) return Refusal::epoll_spins;
  return Refusal::none;
}

std::uint32_t RateLimit::available(std::uint64_t per_hour, std::uint64_t now_ns) {
  const double per_second = static_cast<double>(per_hour) / 3600.0;
  const double most = std::max(1.0, per_second);
  const bool first = filled_ns_ == 0;
  const double passed = first ? 1e9 : static_cast<double>(now_ns - std::min(filled_ns_, now_ns)) / 1e9;
  tokens_ = std::min(most, tokens_ + passed * per_second);
  filled_ns_ = now_ns;
  return tokens_ < 1 ? 0 : static_cast<std::uint32_t>(tokens_);
}

}  // namespace socktrack
