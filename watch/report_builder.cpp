#include "watch/report_builder.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <string_view>

#include "watch/suspects.h"
#include "watch/vocabulary.h"

namespace socktrack {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;
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

std::string text_of(const Endpoint& endpoint) {
  char address[INET6_ADDRSTRLEN] = "";
  if (endpoint.family != AF_INET && endpoint.family != AF_INET6) return "";
  if (inet_ntop(endpoint.family, endpoint.address, address, sizeof(address)) == nullptr) return "";
  const std::string port = ":" + std::to_string(endpoint.port);
  if (endpoint.family == AF_INET) return address + port;
  const std::string scope = endpoint.scope == 0 ? "" : "%" + std::to_string(endpoint.scope);
  return "[" + (address + scope) + "]" + port;
}

// The latest moment the recording knows of. Ages of a running program are those at its last sweep:
// so are the facts they stand beside.
std::uint64_t now_of(const Header& header) {
  const std::uint64_t ended = header.ended_monotonic_ns.load();
  return ended != 0 ? ended : header.swept_monotonic_ns.load();
}

std::vector<Frame> expand(const RecordingView& recording, std::uint32_t site_index, Names& names) {
  std::vector<Frame> stack;
  const Site* site = recording.site(site_index);
  if (site == nullptr) return stack;
  const std::uint32_t depth = std::min(site->depth.load(), kMaxFrames);
  for (std::uint32_t i = 0; i < depth; ++i) {
    const std::uint64_t offset = frame_offset(site->frames[i]);
    if (const Module* module = recording.module(frame_module(site->frames[i]))) {
      for (Frame& frame : names.frames_at(*module, offset)) stack.push_back(std::move(frame));
    } else {
      Frame unknown;
      unknown.offset = offset;
      stack.push_back(std::move(unknown));
    }
  }
  return stack;
}

// The close site sampled most often among the sockets of this open site; 0 = none closed yet.
std::uint32_t usual_close_site(const Site& open_site) {
  const auto most =
      std::max_element(std::begin(open_site.closes), std::end(open_site.closes),
                       [](const auto& a, const auto& b) { return a.count.load() < b.count.load(); });
  return most->count.load() > 0 ? most->site.load() : 0;
}

// FNV-1a with a final mix: fixed for ever, because people write fingerprints into files.
class Hash {
 public:
  void add(std::string_view text) {
    for (const char c : text) step(static_cast<std::uint8_t>(c));
    step(0xff);  // ends a text, so that "ab","c" and "a","bc" differ
  }
  void add(std::uint64_t number) {
    for (unsigned shift = 0; shift < 64; shift += 8) step(static_cast<std::uint8_t>(number >> shift));
  }
  std::string hex() const {
    std::uint64_t mixed = value_ ^ (value_ >> 33U);
    mixed *= 0xff51afd7ed558ccdULL;
    mixed ^= mixed >> 33U;
    char text[17];
    std::snprintf(text, sizeof(text), "%016llx", static_cast<unsigned long long>(mixed));
    return text;
  }

 private:
  void step(std::uint8_t byte) { value_ = (value_ ^ byte) * 0x100000001b3ULL; }
  std::uint64_t value_ = 0xcbf29ce484222325ULL;
};

// Where a module was built tells it apart; without a build-id its file name has to do.
std::string identity_of(const Module& module) {
  const Frame bare = bare_frame(module, 0);
  if (!bare.build_id.empty()) return bare.build_id;
  return bare.module.substr(bare.module.rfind('/') + 1);
}

// Frames without a module are JIT code: their addresses mean nothing in another run and are left out.
void add_stack(Hash& hash, const RecordingView& recording, std::uint32_t site_index) {
  if (const Site* site = recording.site(site_index)) {
    const std::uint32_t depth = std::min(site->depth.load(), kMaxFrames);
    for (std::uint32_t i = 0; i < depth; ++i) {
      const Module* module = recording.module(frame_module(site->frames[i]));
      if (module == nullptr) continue;
      hash.add(identity_of(*module));
      hash.add(frame_offset(site->frames[i]));
    }
  }
  hash.add("end of stack");
}

// A UNIX connection has one name, that of the end that listened; of the other end the process is known.
std::string unix_text(const Endpoint& endpoint, const Accusation& accusation) {
  if (endpoint.port != 0) return text_of(accusation.path);
  return endpoint.scope != 0 ? "pid " + std::to_string(endpoint.scope) : "";
}

std::string text_of(const Endpoint& endpoint, const Accusation& accusation) {
  return endpoint.family == AF_UNIX ? unix_text(endpoint, accusation) : text_of(endpoint);
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

void add_sockets(LeakGroup& out, const Group& group, const Sockets& sockets, std::uint64_t now) {
  std::uint64_t oldest = group.first_ns.load();
  for (const Accusation* accusation : sockets) {
    oldest = std::min(oldest, accusation->dead_since_ns);
    if (out.sockets.size() < kSocketsListed) out.sockets.push_back(socket_facts(*accusation, now));
  }
  if (out.count > 0) out.oldest_s = seconds_between(oldest, now);
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
  out.open_stack = expand(recording, site_index, names);
  out.sibling_close_stack = expand(recording, usual_close_site(*site), names);
  out.opened_here = site->opened.load();
  out.closed_here = site->closed.load();
}

LeakGroup build_group(const RecordingView& recording, const Group& group, const Sockets& sockets,
                      Names& names) {
  LeakGroup out;
  out.fingerprint = fingerprint(recording, group);
  out.verdict = group.verdict;
  out.late_closes = group.late_closes.load();
  out.count = minus(group.spoken.load(), out.late_closes + group.withdrawn.load());
  out.per_minute = rate_of(group);
  add_sockets(out, group, sockets, now_of(recording.header()));
  add_open_site(out, recording, group.open_site, names);
  out.sighting_stack = expand(recording, group.sighting_site, names);
  out.error = errno_name(group.error);
  out.operation = name_of(group.operation);
  out.thread = text_of(group.thread);
  out.hint = hint_for(group.verdict);
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
  for (std::size_t i = 0; i < recording.groups().size(); ++i) {
    const Group& group = recording.groups()[i];
    if (!is_sound(group)) continue;
    LeakGroup built = build_group(recording, group, sockets[i], names);
    if (auto* list = list_for(report, built, group.flags)) list->push_back(std::move(built));
  }
  if (!report.running && !report.final_look) {
    for (const Group& group : unspoken_suspects(recording)) {
      report.open_at_exit.push_back(build_group(recording, group, {}, names));
    }
  }
  const auto larger = [](const LeakGroup& a, const LeakGroup& b) { return a.count > b.count; };
  for (auto* list : {&report.groups, &report.open_at_exit, &report.closed_late}) {
    std::stable_sort(list->begin(), list->end(), larger);
  }
  for (const LeakGroup& group : report.groups) {
    if (is_leak(group.verdict)) report.leaked += group.count;
  }
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

std::string fingerprint(const RecordingView& recording, const Group& group) {
  Hash hash;
  hash.add(std::string_view(name_of(group.verdict)));
  add_stack(hash, recording, group.open_site);
  add_stack(hash, recording, group.sighting_site);
  return hash.hex();
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
  report.live = minus(report.opened + header.inherited.load(), report.closed);
  report.mitigated = header.mitigated.load();
  add_groups(report, recording, names);
  add_blind_spots(report, header);
  return report;
}

}  // namespace socktrack
