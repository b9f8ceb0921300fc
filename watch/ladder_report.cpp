#include "watch/ladder_report.h"

#include "watch/ladder_words.h"
#include "watch/vocabulary.h"

namespace socktrack {
namespace {

std::string list_text(const std::vector<LadderCount>& counts) {
  std::string text;
  for (const LadderCount& each : counts)
    text += (text.empty() ? "" : ", ") + each.name + " " + std::to_string(each.count);
  return text;
}

}  // namespace

GroupMitigation mitigation_of(const RecordingView& recording, const Group& group) {
  GroupMitigation out;
  const auto groups = recording.groups();
  // Groups of suspects that were never spoken of are not in the recording.
  if (groups.empty() || &group < &groups.front() || &group > &groups.back()) return out;
  const GroupLadder& ladder = recording.ladder()[static_cast<std::size_t>(&group - &groups.front())];
  for (std::uint32_t i = 1; i < kRungs; ++i) {
    if (const std::uint32_t count = ladder.acted[i].load())
      out.acted.push_back({name_of(static_cast<Rung>(i)), count});
  }
  for (std::uint32_t i = 1; i < kRefusals; ++i) {
    const auto refusal = static_cast<Refusal>(i);
    const std::uint32_t count = ladder.refused[i].load();
    if (count > 0 && refusal != Refusal::done && refusal != Refusal::observing)
      out.refused.push_back({name_of(refusal), count});
  }
  out.off_ladder = (ladder.flags.load() & ladder_flag::off) != 0;
  const std::uint32_t operation = ladder.off_operation.load();
  if (out.off_ladder && operation <= static_cast<std::uint32_t>(Operation::epoll_ctl))
    out.used_by = name_of(static_cast<Operation>(operation));
  return out;
}

ProcessMitigation mitigation_of(const RecordingView& recording) {
  const LadderControl& control = recording.control();
  LadderPolicy policy;
  load_policy(control.active, policy);
  return {name_of(policy.rung), control.reclaimed.load(), control.not_reclaimed.load(),
          control.audit_lost.load()};
}

std::string text_of(const GroupMitigation& mitigation) {
  std::string text = list_text(mitigation.acted);
  if (!mitigation.refused.empty())
    text += (text.empty() ? "left alone: " : "; left alone: ") + list_text(mitigation.refused);
  if (mitigation.off_ladder) {
    text += text.empty() ? "" : "; ";
    text += "OFF THE LADDER: the program used one of them afterwards";
    if (!mitigation.used_by.empty()) text += " (" + mitigation.used_by + ")";
  }
  return text;
}

}  // namespace socktrack
