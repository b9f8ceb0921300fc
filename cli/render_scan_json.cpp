#include <cmath>
#include <nlohmann/json.hpp>

#include "cli/scan.h"

namespace socktrack {
namespace {

using Json = nlohmann::ordered_json;

Json known(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }
Json known(const std::optional<double>& seconds) {
  return seconds ? Json(std::round(*seconds * 1000.0) / 1000.0) : Json(nullptr);
}

Json to_json(const Holder& holder) { return {{"pid", holder.pid}, {"fd", holder.fd}}; }
Json to_json(const ScanPeer& peer) { return {{"address", peer.address}, {"count", peer.count}}; }
Json to_json(const Unseen& unseen) {
  return {{"name", unseen.name}, {"count", unseen.count}, {"what", unseen.what}};
}
Json to_json(const ThreadActivity& thread) {
  return {{"doing", known(thread.doing)},
          {"waits_in", known(thread.kernel)},
          {"name", thread.name},
          {"count", thread.count}};
}

Json to_json(const Frame& frame);
Json to_json(const ThreadStack& stack);
Json to_json(const ScannedSocket& socket);
Json to_json(const ScanGroup& group);
Json to_json(const ScanProcess& process);

template <typename T>
Json list_of(const std::vector<T>& items) {
  Json list = Json::array();
  for (const T& item : items) list.push_back(to_json(item));
  return list;
}

Json to_json(const Frame& frame) {
  return {{"module", known(frame.module)},
          {"offset", frame.offset},
          {"function", known(frame.function)},
          {"file", known(frame.file)},
          {"line", frame.line > 0 ? Json(frame.line) : Json(nullptr)}};
}

Json to_json(const ThreadStack& stack) {
  return {{"tid", stack.tid},
          {"name", stack.name},
          {"doing", stack.doing},
          {"problem", known(stack.problem)},
          {"frames", list_of(stack.frames)}};
}

Json to_json(const ScannedSocket& socket) {
  return {{"protocol", socket.protocol},
          {"state", socket.state},
          {"inode", socket.inode},
          {"cookie", socket.cookie},
          {"recv_q", socket.recv_q},
          {"send_q", socket.send_q},
          {"local", known(socket.local)},
          {"peer", known(socket.peer)},
          {"at_least_s", known(socket.at_least_s)},
          {"at_most_s", known(socket.at_most_s)},
          {"in_epoll", socket.in_epoll},
          {"holders", list_of(socket.holders)}};
}

Json to_json(const ScanGroup& group) {
  return {{"finding", name_of(group.finding)},
          {"trouble", is_trouble(group.finding)},
          {"what", sentence_of(group.finding)},
          {"note", known(group.note)},
          {"count", group.count},
          {"inbound", group.inbound},
          {"service", known(group.service)},
          {"youngest_s", known(group.youngest_s)},
          {"oldest_s", known(group.oldest_s)},
          {"in_epoll", group.in_epoll},
          {"accept_queue", {{"length", group.queue}, {"limit", group.backlog}}},
          {"peers", list_of(group.peers)},
          {"other_holders", group.other_holders},
          {"advice", known(group.advice)},
          {"sockets", list_of(group.sockets)}};
}

Json to_json(const ScanProcess& process) {
  return {{"pid", process.pid == 0 ? Json(nullptr) : Json(process.pid)},
          {"name", known(process.name)},
          {"exe", known(process.exe)},
          {"user", known(process.user)},
          {"tracked", process.tracked},
          {"network_namespace", process.network_namespace},
          {"fds", {{"open", process.fds_open}, {"limit", process.fds_limit}}},
          {"dead", process.dead},
          {"advice", known(process.advice)},
          {"groups", list_of(process.groups)},
          {"threads", list_of(process.threads)},
          {"stacks", list_of(process.stacks)},
          {"stacks_problem", known(process.stacks_problem)}};
}

}  // namespace

std::string render_scan_json(const Scan& scan, bool one_line) {
  const Json document = {{"schema", "socktrack.scan/1"},
                         {"taken", scan.taken},
                         {"processes_looked_at", scan.processes_looked_at},
                         {"processes", list_of(scan.processes)},
                         {"not_seen", list_of(scan.unseen)}};
  return document.dump(one_line ? -1 : 2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace socktrack
