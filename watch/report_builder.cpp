#include "watch/report_builder.h"

#include <sys/socket.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <map>
#include <string_view>

#include "watch/endpoint_text.h"
#include "watch/evidence.h"
#include "watch/fingerprint.h"
#include "watch/history.h"
#include "watch/perf_map.h"
#include "watch/runtime_functions.h"
#include "watch/same_leak.h"
#include "watch/suspects.h"
#include "watch/timeline.h"
#include "watch/vocabulary.h"

namespace socktrack {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::size_t kPeersListed = 10;
constexpr std::size_t kThreadsListed = 8;
constexpr std::size_t kSocketsListed = 100;  // samples per group; the count stays exact

std::uint64_t minus(std::uint64_t a, std::uint64_t b) { return a > b ? a - b : 0; }

// 0 as a start means that it is not known.
double seconds_between(std::uint64_t from_ns, std::uint64_t to_ns) {
  if (from_ns == 0) return 0;
  return static_cast<double>(minus(to_ns, from_ns)) / static_cast<double>(kSecond);
}

template <std::size_t N>
std::string text_of(const char (&field)[N]) {
  return {field, ::strnlen(field, N)};
}

std::string iso_time(std::uint64_t realtime_ns) {
  const auto seconds = static_cast<std::time_t>(realtime_ns / kSecond);
  std::tm broken_down{};
  if (gmtime_r(&seconds, &broken_down) == nullptr) return "";
  char date[40];
  const std::size_t size = std::strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &broken_down);
  char fraction[8];
  std::snprintf(fraction, sizeof(fraction), ".%03uZ",
                static_cast<unsigned>(realtime_ns % kSecond / 1'000'000 % 1000));
  return std::string(date, size) + fraction;
}

// The latest moment the recording knows of. Ages of a running program are those at its last sweep:
// so are the facts they stand beside.
std::uint64_t now_of(const Header& header) {
  const std::uint64_t ended = header.ended_monotonic_ns.load();
  return ended != 0 ? ended : header.swept_monotonic_ns.load();
}

Frame frame_of(const RecordingView& recording, const ManagedFrame& managed) {
  Frame frame;
  frame.function = recording.function_of(managed);
  frame.file = recording.file_of(managed);
  frame.line = static_cast<int>(managed.line);
  frame.language = name_of(managed.language);
  frame.role = name_of(managed.role);
  return frame;
}

std::vector<Frame> expand(const RecordingView& recording, std::uint32_t site_index, Names& names) {
  std::vector<Frame> stack;
  const Site* site = recording.site(site_index);
  if (site == nullptr) return stack;
  const std::uint32_t depth = std::min(site->depth.load(), kMaxFrames);
  for (std::uint32_t i = 0; i < depth; ++i) {
    const std::uint64_t offset = frame_offset(site->frames[i]);
    if (frame_module(site->frames[i]) == kManagedModule) {
      if (const ManagedFrame* managed = recording.managed(offset))
        stack.push_back(frame_of(recording, *managed));
      continue;
    }
    if (const Module* module = recording.module(frame_module(site->frames[i]))) {
      for (Frame& frame : names.frames_at(*module, offset)) stack.push_back(std::move(frame));
    } else {
      Frame made = names.frame_without_module(recording.header(), offset);
      if (stack.empty() || !is_trampoline(made, stack.back())) stack.push_back(std::move(made));
    }
  }
  return stack;
}

bool is_by_collector(const std::vector<Frame>& stack) {
  return std::any_of(stack.begin(), stack.end(),
                     [](const Frame& frame) { return is_of_collector(frame.function); });
}

// Where the sockets of this open site are closed, by sampled share.
std::vector<SiblingClose> sibling_closes(const RecordingView& recording, const Site& open_site,
                                         Names& names) {
  std::vector<SiblingClose> closes;
  std::uint64_t sum = 0;
  for (const CloseSample& sample : open_site.closes) {
    const std::uint32_t count = sample.count.load();
    if (count == 0) continue;
    sum += count;
    closes.push_back({0, count, expand(recording, sample.site.load(), names), false});
    closes.back().by_collector = is_by_collector(closes.back().stack);
  }
  for (SiblingClose& each : closes) each.share = static_cast<double>(each.samples) / static_cast<double>(sum);
  // What the program itself does is the example to follow.
  std::stable_sort(closes.begin(), closes.end(), [](const SiblingClose& a, const SiblingClose& b) {
    return a.by_collector != b.by_collector ? b.by_collector : a.samples > b.samples;
  });
  return closes;
}

// A UNIX connection has one name, that of the end that listened; of the other end the process is known.
std::string unix_text(const Endpoint& endpoint, const Accusation& accusation) {
  if (endpoint.port != 0) return text_of(accusation.path);
  return endpoint.scope != 0 ? "pid " + std::to_string(endpoint.scope) : "";
}

std::string text_of(const Endpoint& endpoint, const Accusation& accusation) {
  return endpoint.family == AF_UNIX ? unix_text(endpoint, accusation) : endpoint_text(endpoint);
}

std::string state_of(const Accusation& accusation) {
  if (accusation.local.family != AF_UNIX) return tcp_state_name(accusation.state);
  return unix_state_name(accusation.state, accusation.peer.family == AF_UNIX);
}

SocketFacts socket_facts(const Accusation& accusation, std::uint64_t now) {
  SocketFacts facts;
  facts.fd = static_cast<int>(accusation.fd);
  facts.cookie = accusation.cookie;
  facts.inode = accusation.inode;
  facts.state = state_of(accusation);
  facts.recv_q = accusation.recv_q;
  facts.send_q = accusation.send_q;
  facts.local = text_of(accusation.local, accusation);
  facts.peer = text_of(accusation.peer, accusation);
  facts.age_s = seconds_between(accusation.dead_since_ns, now);
  facts.opened_s = seconds_between(accusation.opened_ns, now);
  return facts;
}

using Sockets = std::vector<const Accusation*>;

// For each group its sockets that are still accused.
std::vector<Sockets> sockets_by_group(const RecordingView& recording) {
  std::vector<Sockets> by_group(recording.groups().size());
  for (const Accusation& accusation : recording.accusations()) {
    if (accusation.ready.load(std::memory_order_acquire) == 0) continue;
    if (accusation.ended_ns.load() != 0 || accusation.group >= by_group.size()) continue;
    by_group[accusation.group].push_back(&accusation);
  }
  return by_group;
}

// Without the port: it tells the peers of one host apart, not the hosts.
std::string host_of(const Accusation& accusation) {
  const std::string peer = text_of(accusation.peer, accusation);
  const bool has_port = accusation.peer.family == AF_INET || accusation.peer.family == AF_INET6;
  return has_port ? peer.substr(0, peer.rfind(':')) : peer;
}

std::vector<PeerCount> peers_of(const Sockets& sockets) {
  std::map<std::string, std::uint64_t> counts;
  for (const Accusation* each : sockets) {
    const std::string host = host_of(*each);
    if (!host.empty()) counts[host]++;
  }
  std::vector<PeerCount> peers;
  for (const auto& [host, count] : counts) peers.push_back({host, count});
  std::stable_sort(peers.begin(), peers.end(),
                   [](const PeerCount& a, const PeerCount& b) { return a.count > b.count; });
  if (peers.size() > kPeersListed) peers.resize(kPeersListed);
  return peers;
}

// The names of the threads that saw the ends, as far as they are still known.
std::vector<std::string> threads_of(const RecordingView& recording, const Group& group,
                                    const Sockets& sockets) {
  std::vector<std::string> names;
  const auto add = [&](std::string name) {
    if (!name.empty() && names.size() < kThreadsListed &&
        std::find(names.begin(), names.end(), name) == names.end())
      names.push_back(std::move(name));
  };
  add(text_of(group.thread));
  for (const Accusation* each : sockets) add(recording.thread_name(each->tid));
  return names;
}

// As the program named them. The slot of an accused socket is its own until the number is used again.
std::vector<std::string> pools_of(const RecordingView& recording, const Sockets& sockets) {
  std::vector<std::string> names;
  for (const Accusation* each : sockets) {
    if (each->fd >= recording.slots().size()) continue;
    const std::uint64_t word = recording.slots()[each->fd].word.load();
    if (word_generation(word) != each->generation) continue;
    std::string name = recording.pool_name(word_flags(word) >> slot_flag::pool_shift);
    if (!name.empty() && std::find(names.begin(), names.end(), name) == names.end())
      names.push_back(std::move(name));
  }
  return names;
}

void add_sockets(LeakGroup& out, const Group& group, const Sockets& sockets, std::uint64_t now) {
  std::uint64_t oldest = group.first_ns.load();
  std::vector<double> ages;
  for (const Accusation* accusation : sockets) {
    oldest = std::min(oldest, accusation->dead_since_ns);
    ages.push_back(seconds_between(accusation->dead_since_ns, now));
    if (out.sockets.size() < kSocketsListed) out.sockets.push_back(socket_facts(*accusation, now));
  }
  if (out.count > 0) out.oldest_s = seconds_between(oldest, now);
  if (ages.empty()) return;
  const auto middle = ages.begin() + static_cast<std::ptrdiff_t>(ages.size() / 2);
  std::nth_element(ages.begin(), middle, ages.end());
  out.median_s = *middle;
}

// A rate needs two sockets and time between them. All of one sweep are told at once, which says
// nothing about their rate: below a second there is none.
double rate_of(const Group& group) {
  const std::uint64_t spoken = group.spoken.load();
  const std::uint64_t span = minus(group.latest_ns.load(), group.first_ns.load());
  if (spoken < 2 || span < kSecond) return 0;
  return static_cast<double>(spoken - 1) * 60.0 * static_cast<double>(kSecond) / static_cast<double>(span);
}

void add_open_site(LeakGroup& out, const RecordingView& recording, std::uint32_t site_index, Names& names) {
  const Site* site = recording.site(site_index);
  if (site == nullptr) return;
  out.open_sites = {site_index};
  out.open_stack = expand(recording, site_index, names);
  out.sibling_closes = sibling_closes(recording, *site, names);
  if (!out.sibling_closes.empty()) out.sibling_close_stack = out.sibling_closes.front().stack;
  out.opened_here = site->opened.load();
  out.closed_here = site->closed.load();
}

LeakGroup build_group(const RecordingView& recording, const Group& group, const Sockets& sockets,
                      Names& names, Fingerprints& fingerprints) {
  LeakGroup out;
  out.fingerprint = fingerprints.of(recording, group);
  out.verdict = group.verdict;
  out.late_closes = group.late_closes.load();
  out.collected = group.collected.load();
  out.count = still_accused(group);
  out.severity = severity_of(group);
  out.trend = trend_of(group);
  out.grace_s = seconds_between(1, group.grace_ns.load() + 1);
  out.per_minute = rate_of(group);
  add_sockets(out, group, sockets, now_of(recording.header()));
  add_open_site(out, recording, group.open_site, names);
  out.sighting_stack = expand(recording, group.sighting_site, names);
  out.error = errno_name(group.error);
  out.operation = name_of(group.operation);
  out.thread = text_of(group.thread);
  out.threads = threads_of(recording, group, sockets);
  out.peers = peers_of(sockets);
  out.pools = pools_of(recording, sockets);
  out.evidence = evidence_of(group);
  out.hint = hint_for(group.verdict);
  out.mitigation = mitigation_of(recording, group);
  return out;
}

bool is_sound(const Group& group) {
  return group.ready.load(std::memory_order_acquire) != 0 && group.verdict > Verdict::healthy &&
         group.verdict <= Verdict::half_open_peer && group.operation <= Operation::stdio;
}

// Which list of the report a group belongs to; nullptr if nothing of it is left to tell.
std::vector<LeakGroup>* list_for(ProcessReport& report, const LeakGroup& built, std::uint32_t flags) {
  if (built.count == 0) return built.late_closes > 0 ? &report.closed_late : nullptr;
  return (flags & group_flag::at_exit) != 0 ? &report.open_at_exit : &report.groups;
}

void add_groups(ProcessReport& report, const RecordingView& recording, Names& names) {
  const std::vector<Sockets> sockets = sockets_by_group(recording);
  Fingerprints fingerprints;
  for (std::size_t i = 0; i < recording.groups().size(); ++i) {
    const Group& group = recording.groups()[i];
    if (!is_sound(group)) continue;
    LeakGroup built = build_group(recording, group, sockets[i], names, fingerprints);
    if (auto* list = list_for(report, built, group.flags)) list->push_back(std::move(built));
  }
  if (!report.running && !report.final_look) {
    for (const Group& group : unspoken_suspects(recording)) {
      report.open_at_exit.push_back(build_group(recording, group, {}, names, fingerprints));
    }
  }
  const auto larger = [](const LeakGroup& a, const LeakGroup& b) { return a.count > b.count; };
  for (auto* list : {&report.groups, &report.open_at_exit, &report.closed_late}) {
    merge_same_leaks(*list, kSocketsListed);
    std::stable_sort(list->begin(), list->end(), larger);
  }
  report.leaked = leaks_in(report.groups);
}

void add_collected(ProcessReport& report, const RecordingView& recording, Names& names) {
  for (std::uint32_t i = 1; i < kMaxSites; ++i) {
    const Site* site = recording.site(i);
    if (site == nullptr || site->collected.load() == 0) continue;
    report.collected.push_back(
        {site->collected.load(), site->collected_after_ms.load() / 1000.0, expand(recording, i, names)});
  }
  std::stable_sort(report.collected.begin(), report.collected.end(),
                   [](const Collected& a, const Collected& b) { return a.count > b.count; });
}

void add_blind_spots(ProcessReport& report, const Header& header) {
  for (std::size_t i = 0; i < static_cast<std::size_t>(BlindSpot::count_); ++i) {
    const std::uint64_t count = header.blind_spots[i].load();
    const auto spot = static_cast<BlindSpot>(i);
    if (count > 0) report.blind_spots.push_back({name_of(spot), count, sentence_of(spot)});
  }
}

void add_fate(ProcessReport& report, const Header& header, const ProcessFate& fate) {
  const auto ended_by = static_cast<EndedBy>(header.ended_by.load());
  report.running = fate.running;
  report.final_look = header.final_sweep.load() != 0;
  report.exit_status = fate.exit_status;
  if (ended_by == EndedBy::not_yet) return;
  report.ended = iso_time(header.ended_realtime_ns.load());
  if (!report.exit_status && (ended_by == EndedBy::exit || ended_by == EndedBy::underscore_exit)) {
    report.exit_status = static_cast<int>(header.exit_status.load() & 0xffU);
  }
}

}  // namespace

std::vector<Frame> stack_at(const RecordingView& recording, std::uint32_t site, Names& names) {
  return expand(recording, site, names);
}

std::string time_text(std::uint64_t realtime_ns) { return iso_time(realtime_ns); }

std::string fingerprint(const RecordingView& recording, const Group& group) {
  return Fingerprints().of(recording, group);
}

std::uint64_t leaks_in(const std::vector<LeakGroup>& groups) {
  std::uint64_t sum = 0;
  for (const LeakGroup& group : groups) {
    if (group.severity == Severity::leak) sum += group.count;
  }
  return sum;
}

ProcessReport build_process(const RecordingView& recording, const ProcessFate& fate, Names& names) {
  const Header& header = recording.header();
  ProcessReport report;
  report.pid = static_cast<int>(header.pid);
  report.exe = text_of(header.program);
  report.recording = recording.path();
  report.started = iso_time(header.created_realtime_ns);
  add_fate(report, header, fate);
  report.fds_open = header.fds_open.load();
  report.fds_limit = header.fds_limit.load();
  report.opened = header.opened.load();
  report.closed = header.closed.load();
  report.live = live_in(header);
  report.mitigated = header.mitigated.load();
  report.mitigation = mitigation_of(recording);
  add_groups(report, recording, names);
  add_collected(report, recording, names);
  add_blind_spots(report, header);
  report.timeline = timeline_of(recording,
                                {.live = report.live,
                                 .leaked = report.leaked,
                                 .mitigated = report.mitigated,
                                 .fds_open = report.fds_open},
                                now_of(header));
  return report;
}

}  // namespace socktrack
