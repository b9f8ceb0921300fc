#include "watch/evidence.h"

#include <cstring>

#include "watch/evidence_words.h"

namespace socktrack {
namespace {

template <std::size_t N>
std::string text_of(const char (&field)[N]) {
  return {field, ::strnlen(field, N)};
}

std::string relation_of(std::uint32_t flags) {
  if ((flags & holder_flag::parent) != 0) return "parent";
  return (flags & holder_flag::child) != 0 ? "child" : "other";
}

std::string holder_line(const EvidenceFacts& evidence) {
  const std::string relation = evidence.holder_relation == "other" ? "" : ", its " + evidence.holder_relation;
  return "held by process " + std::to_string(evidence.holder_pid) + " (" + evidence.holder + relation +
         ") as well" + (evidence.holder_cloexec ? "" : ", without FD_CLOEXEC: its children get it too");
}

std::string worker_line(const EvidenceFacts& evidence) {
  return "thread " + evidence.worker + " (" + std::to_string(evidence.worker_tid) +
         ") has it from accept, connect or its last call, and is now in " + evidence.doing;
}

}  // namespace

EvidenceFacts evidence_of(const Group& group) {
  EvidenceFacts facts;
  EvidenceText from;
  if (!load_evidence(group.evidence, from)) return facts;
  facts.holder_pid = static_cast<int>(from.holder_pid);
  facts.holder = text_of(from.holder);
  facts.holder_relation = relation_of(from.holder_flags);
  facts.holder_cloexec = (from.holder_flags & holder_flag::cloexec) != 0;
  facts.worker_tid = static_cast<int>(from.worker_tid);
  facts.worker = text_of(from.worker);
  facts.doing = text_of(from.doing);
  facts.threads_now = text_of(from.threads);
  facts.queue_length = from.queue_length;
  facts.queue_limit = from.queue_limit;
  return facts;
}

std::vector<std::string> evidence_lines(const LeakGroup& group) {
  const EvidenceFacts& evidence = group.evidence;
  std::vector<std::string> lines;
  if (evidence.queue_limit != 0) {
    lines.push_back("listen queue: " + std::to_string(evidence.queue_length) +
                    " connections wait, room for " + std::to_string(evidence.queue_limit));
  }
  if (evidence.holder_pid != 0) lines.push_back(holder_line(evidence));
  if (evidence.worker_tid != 0) lines.push_back(worker_line(evidence));
  if (!evidence.threads_now.empty()) lines.push_back("all threads now: " + evidence.threads_now);
  return lines;
}

}  // namespace socktrack
