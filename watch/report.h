// The report as data: what a recording says, with names, ready to be rendered. Built by
// report_builder, rendered by render_text and render_json. design.md section 7 is its contract.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "socktrack/recording.h"
#include "watch/ladder_report.h"
#include "watch/severity.h"

namespace socktrack {

struct Frame {
  std::string module;        // path as the loader knew it; "" = no module (JIT code)
  std::string build_id;      // hex, "" = none
  std::uint64_t offset = 0;  // ELF virtual address inside the module
  std::string function;      // demangled; "" = unknown
  std::string file;          // "" = unknown
  int line = 0;              // 0 = unknown
  std::string language = "native";
  bool inlined = false;  // this frame was inlined into the next one
  std::string role;  // "awaiting", "callback": an event loop made the call for it; "" = the thread was in it
};

struct SocketFacts {
  int fd = -1;
  std::uint64_t cookie = 0;
  std::uint64_t inode = 0;
  std::string state;  // "CLOSE_WAIT"
  std::uint32_t recv_q = 0;
  std::uint32_t send_q = 0;
  std::string local;  // "127.0.0.1:80", "[::1]:80"
  std::string peer;
  double age_s = 0;     // since the last progress
  double opened_s = 0;  // since it was opened
};

struct SiblingClose {
  double share = 0;  // of the sampled closes, 0 to 1
  std::uint64_t samples = 0;
  std::vector<Frame> stack;
  bool by_collector = false;  // the runtime's, because nobody referred to the socket any more
};

// Sockets that only the collector of their runtime closed.
struct Collected {
  std::uint64_t count = 0;
  double after_s = 0;  // at most so long after the end was seen
  std::vector<Frame> open_stack;
};

struct PeerCount {
  std::string address;  // without port
  std::uint64_t count = 0;
};

// Of the socket accused last, when it was accused. 0 or "": not looked for, or nothing found.
struct EvidenceFacts {
  int holder_pid = 0;  // another process with the same socket
  std::string holder;
  std::string holder_relation;  // "parent", "child", "other"
  bool holder_cloexec = false;
  int worker_tid = 0;  // the thread that ought to read
  std::string worker;
  std::string doing;        // "futex"
  std::string threads_now;  // "worker x3 in futex, main in accept4"
  std::uint32_t queue_length = 0;
  std::uint32_t queue_limit = 0;
};

struct LeakGroup {
  std::string fingerprint;  // 16 hex digits
  Verdict verdict = Verdict::healthy;
  std::uint64_t count = 0;  // sockets accused and still not closed
  double per_minute = 0;
  double oldest_s = 0;
  double median_s = 0;  // the age that half of them have passed
  double grace_s = 0;   // raised by late closes
  Severity severity = Severity::info;
  Trend trend = Trend::unknown;
  std::uint64_t late_closes = 0;
  std::uint64_t collected = 0;            // of the late closes: made by the runtime's collector
  std::uint64_t opened_here = 0;          // all sockets opened at the open site
  std::uint64_t closed_here = 0;          // ... and how many of them the program closed
  std::vector<std::uint32_t> open_sites;  // of the recording; several if stacks differ far from the leak only
  std::vector<Frame> open_stack;
  std::vector<Frame> sighting_stack;
  std::vector<Frame> sibling_close_stack;    // where most other sockets of this open site are closed
  std::vector<SiblingClose> sibling_closes;  // ... and where the rest, most often first
  std::string error;                         // "ECONNRESET"; "" = none
  std::string operation;                     // "recv"; "" = nobody saw anything
  std::string thread;                        // of the first sighting
  std::vector<std::string> pools;            // as the program named them (socktrack.h)
  std::vector<std::string> threads;          // of all, as far as known
  std::vector<PeerCount> peers;              // most frequent first
  EvidenceFacts evidence;
  std::string hint;
  GroupMitigation mitigation;
  std::vector<SocketFacts> sockets;  // those still accused; may be fewer than count
};

struct SuppressedGroup {
  LeakGroup group;
  std::string rule;  // "quiet.txt:7 (frame:PoolEntry::*)"
};

struct BlindSpotNote {
  std::string name;
  std::uint64_t count = 0;
  std::string what;
};

// Where the counts stood, some time into the run.
struct TimelinePoint {
  double at_s = 0;
  std::uint64_t live = 0, leaked = 0, mitigated = 0;
  std::uint64_t fds_open = 0;  // 0 = not known
};

struct ProcessReport {
  int pid = 0;
  std::string exe;
  std::string recording;           // path of the file, "" = private memory
  std::string started;             // ISO 8601, UTC
  std::string ended;               // "" = running, or ended without telling us
  std::optional<int> exit_status;  // 128+signal if killed; empty = not known
  bool running = false;
  bool final_look = false;  // the verdicts include a last sweep at exit
  std::uint64_t fds_open = 0, fds_limit = 0;
  std::uint64_t opened = 0, closed = 0, live = 0, leaked = 0, mitigated = 0;
  ProcessMitigation mitigation;
  std::vector<LeakGroup> groups;            // accused and not closed, largest first
  std::vector<LeakGroup> open_at_exit;      // dead, but younger than the grace at exit: no leak
  std::vector<LeakGroup> closed_late;       // accused once, all of them closed after all: no leak
                                            // (unless only the collector did)
  std::vector<Collected> collected;         // by open site, most first
  std::vector<SuppressedGroup> suppressed;  // by the user: neither leaks nor shown at length
  std::vector<BlindSpotNote> blind_spots;
  std::vector<TimelinePoint> timeline;  // from the first socket to the end, or to the latest look
};

struct Report {
  bool complete = true;  // every process ended with a last look
  std::vector<ProcessReport> processes;
  std::vector<BlindSpotNote> notes;  // of the whole run: "recording X could not be read"
};

}  // namespace socktrack
