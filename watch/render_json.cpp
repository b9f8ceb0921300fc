#include <nlohmann/json.hpp>

#include "watch/render.h"
#include "watch/summary.h"
#include "watch/vocabulary.h"

namespace socktrack {
namespace {

using Json = nlohmann::ordered_json;

Json known(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

// Milliseconds, without libm: the preload library needs libc only.
double rounded(double seconds) {
  // NOLINTNEXTLINE(bugprone-incorrect-roundings): ages are small and not negative; lround is in libm
  return static_cast<double>(static_cast<std::int64_t>(seconds * 1000.0 + 0.5)) / 1000.0;
}

Json to_json(const Frame& frame) {
  Json object = {{"module", known(frame.module)}, {"build_id", known(frame.build_id)},
                 {"offset", frame.offset},        {"function", known(frame.function)},
                 {"file", known(frame.file)},     {"line", frame.line > 0 ? Json(frame.line) : Json(nullptr)},
                 {"language", frame.language},    {"inlined", frame.inlined}};
  if (!frame.role.empty()) object["role"] = frame.role;
  return object;
}

Json to_json(const SocketFacts& socket) {
  return {{"fd", socket.fd},
          {"cookie", socket.cookie},
          {"inode", socket.inode},
          {"state", socket.state},
          {"recv_q", socket.recv_q},
          {"send_q", socket.send_q},
          {"local", known(socket.local)},
          {"peer", known(socket.peer)},
          {"age_s", rounded(socket.age_s)},
          {"opened_s", rounded(socket.opened_s)}};
}

Json to_json(const BlindSpotNote& note) {
  return {{"name", note.name}, {"count", note.count}, {"what", note.what}};
}

Json to_json(const TimelinePoint& point) {
  return {{"at_s", rounded(point.at_s)},
          {"live", point.live},
          {"leaked", point.leaked},
          {"mitigated", point.mitigated},
          {"fds_open", point.fds_open > 0 ? Json(point.fds_open) : Json(nullptr)}};
}

Json to_json(const PeerCount& peer) { return {{"address", peer.address}, {"count", peer.count}}; }

Json to_json(const SiblingClose& close);
Json to_json(const Collected& collected);
Json to_json(const LeakGroup& group);
Json to_json(const SuppressedGroup& suppressed);
Json to_json(const ProcessReport& process);

template <typename T>
Json list_of(const std::vector<T>& items) {
  Json list = Json::array();
  for (const T& item : items) list.push_back(to_json(item));
  return list;
}

Json to_json(const SiblingClose& close) {
  return {{"share", rounded(close.share)},
          {"samples", close.samples},
          {"by_collector", close.by_collector},
          {"stack", list_of(close.stack)}};
}

Json to_json(const Collected& collected) {
  return {{"count", collected.count},
          {"after_s", rounded(collected.after_s)},
          {"open_stack", list_of(collected.open_stack)}};
}

Json counts_of(const std::vector<LadderCount>& counts) {
  Json object = Json::object();
  for (const LadderCount& each : counts) object[each.name] = each.count;
  return object;
}

Json to_json(const GroupMitigation& mitigation) {
  if (mitigation.is_empty()) return nullptr;
  return {{"acted", counts_of(mitigation.acted)},
          {"refused", counts_of(mitigation.refused)},
          {"off_ladder", mitigation.off_ladder},
          {"used_by", known(mitigation.used_by)}};
}

Json to_json(const ProcessMitigation& mitigation) {
  return {{"rung", mitigation.rung},
          {"reclaimed", mitigation.reclaimed},
          {"not_reclaimed", mitigation.not_reclaimed},
          {"audit_lost", mitigation.audit_lost}};
}

Json holder_of(const EvidenceFacts& evidence) {
  if (evidence.holder_pid == 0) return nullptr;
  return {{"pid", evidence.holder_pid},
          {"program", evidence.holder},
          {"relation", evidence.holder_relation},
          {"cloexec", evidence.holder_cloexec}};
}

Json worker_of(const EvidenceFacts& evidence) {
  if (evidence.worker_tid == 0) return nullptr;
  return {{"tid", evidence.worker_tid}, {"thread", evidence.worker}, {"doing", evidence.doing}};
}

Json queue_of(const EvidenceFacts& evidence) {
  if (evidence.queue_limit == 0) return nullptr;
  return {{"length", evidence.queue_length}, {"limit", evidence.queue_limit}};
}

Json to_json(const LeakGroup& group) {
  return {{"fingerprint", group.fingerprint},
          {"verdict", name_of(group.verdict)},
          {"count", group.count},
          {"per_minute", rounded(group.per_minute)},
          {"oldest_s", rounded(group.oldest_s)},
          {"median_s", rounded(group.median_s)},
          {"grace_s", rounded(group.grace_s)},
          {"severity", name_of(group.severity)},
          {"trend", name_of(group.trend)},
          {"late_closes", group.late_closes},
          {"collected", group.collected},
          {"opened_here", group.opened_here},
          {"closed_here", group.closed_here},
          {"open_stack", list_of(group.open_stack)},
          {"sighting_stack", list_of(group.sighting_stack)},
          {"sibling_close_stack", list_of(group.sibling_close_stack)},
          {"sibling_closes", list_of(group.sibling_closes)},
          {"summary", known(summary_of(group))},
          {"errno", known(group.error)},
          {"operation", known(group.operation)},
          {"thread", known(group.thread)},
          {"threads", group.threads},
          {"pools", group.pools},
          {"holder", holder_of(group.evidence)},
          {"worker", worker_of(group.evidence)},
          {"threads_now", known(group.evidence.threads_now)},
          {"listen_queue", queue_of(group.evidence)},
          {"peers", list_of(group.peers)},
          {"hint", group.hint},
          {"mitigation", to_json(group.mitigation)},
          {"sockets", list_of(group.sockets)}};
}

// In short: who wants all of it runs without suppressions.
Json to_json(const SuppressedGroup& suppressed) {
  return {{"fingerprint", suppressed.group.fingerprint},
          {"verdict", name_of(suppressed.group.verdict)},
          {"count", suppressed.group.count},
          {"summary", known(summary_of(suppressed.group))},
          {"rule", suppressed.rule}};
}

Json counts_of(const ProcessReport& process) {
  return {{"opened", process.opened},
          {"closed", process.closed},
          {"live", process.live},
          {"leaked", process.leaked},
          {"mitigated", process.mitigated}};
}

Json to_json(const ProcessReport& process) {
  return {{"pid", process.pid},
          {"exe", process.exe},
          {"recording", known(process.recording)},
          {"running", process.running},
          {"started", known(process.started)},
          {"ended", known(process.ended)},
          {"exit", process.exit_status ? Json(*process.exit_status) : Json(nullptr)},
          {"fds", {{"open", process.fds_open}, {"limit", process.fds_limit}}},
          {"sockets", counts_of(process)},
          {"mitigation", to_json(process.mitigation)},
          {"groups", list_of(process.groups)},
          {"open_at_exit", list_of(process.open_at_exit)},
          {"closed_late", list_of(process.closed_late)},
          {"collected", list_of(process.collected)},
          {"suppressed", list_of(process.suppressed)},
          {"blind_spots", list_of(process.blind_spots)},
          {"timeline", list_of(process.timeline)}};
}

}  // namespace

std::string render_json(const Report& report) {
  const Json document = {{"schema", "socktrack.report/1"},
                         {"complete", report.complete},
                         {"processes", list_of(report.processes)},
                         {"notes", list_of(report.notes)}};
  // Paths and thread names are bytes: what is not UTF-8 is replaced, never a reason to fail.
  return document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace socktrack
