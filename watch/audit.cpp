#include "watch/audit.h"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "watch/endpoint_text.h"
#include "watch/ladder_words.h"
#include "watch/render.h"
#include "watch/report_builder.h"
#include "watch/vocabulary.h"

namespace socktrack {
namespace {

using Json = nlohmann::ordered_json;

double seconds(std::uint64_t nanoseconds) {
  const std::uint64_t milliseconds = nanoseconds / 1'000'000;
  return static_cast<double>(milliseconds) / 1000.0;
}

Json known(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

void add_group(Json& line, const RecordingView& recording, const AuditEntry& entry, Names& names) {
  if (entry.group >= recording.groups().size()) return;
  const Group& group = recording.groups()[entry.group];
  char name[17];
  std::snprintf(name, sizeof name, "%016llx",
                static_cast<unsigned long long>(recording.ladder()[entry.group].fingerprint.load()));
  line["fingerprint"] = name;
  line["verdict"] = name_of(group.verdict);
  line["open_stack"] = stack_lines(stack_at(recording, group.open_site, names));
  line["sighting_stack"] = stack_lines(stack_at(recording, group.sighting_site, names));
}

void add_act(Json& line, const AuditEntry& entry) {
  line["outcome"] = entry.outcome != Refusal::none ? name_of(entry.outcome)
                    : entry.waits                  ? "waits_for_dead_end"
                                                   : "done";
  line["errno"] = known(errno_name(static_cast<std::uint16_t>(entry.error)));
  line["reclaim"] = entry.reclaim;
  line["fd"] = entry.fd;
  line["cookie"] = entry.cookie;
  line["inode"] = entry.addresses.inode;
  line["local"] = known(endpoint_text(entry.addresses.local));
  line["peer"] = known(endpoint_text(entry.addresses.peer));
  line["age_s"] = seconds(entry.idle_ns);
  line["opened_s"] = seconds(entry.open_ns);
  line["before"] = {
      {"state", tcp_state_name(entry.state_before)}, {"recv_q", entry.recv_q}, {"send_q", entry.send_q}};
  const bool gone = entry.rung == Rung::close && entry.outcome == Refusal::none;
  const bool parked = entry.rung == Rung::park && entry.outcome == Refusal::none && !entry.waits;
  line["after"] = {{"state", gone ? "closed" : parked ? "parked" : tcp_state_name(entry.state_after)}};
}

}  // namespace

std::string audit_line(const RecordingView& recording, const AuditEntry& entry, Names& names) {
  Json line = {{"schema", "socktrack.audit/1"},
               {"time", time_text(entry.realtime_ns)},
               {"pid", recording.header().pid}};
  switch (entry.kind) {
    case AuditEntry::Kind::act:
      line["event"] = "act";
      line["rung"] = name_of(entry.rung);
      add_act(line, entry);
      add_group(line, recording, entry, names);
      break;
    case AuditEntry::Kind::settings:
      line["event"] = "settings";
      line["rung"] = name_of(entry.rung);
      break;
    case AuditEntry::Kind::off_ladder:
      line["event"] = "off_ladder";
      line["used_by"] = known(name_of(entry.used_by));
      add_group(line, recording, entry, names);
      break;
  }
  return line.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace socktrack
