// The recording: the one boundary between the recorder inside a program and whoever reads it
// (the watcher, `socktrack report`, a core dump at 3 a.m.).
//
// One file per process, mapped MAP_SHARED, written in place: SIGKILL loses nothing, a reader needs
// no help from the program. Every record is a POD of fixed size; every field that two parties touch
// is a std::atomic that is lock-free and has the size of its value. Host byte order, 64-bit only.
//
// Bump kLayoutVersion whenever a field moves, changes its size or its meaning. A reader refuses any
// version but its own.
//
//   [header][slots][sites][modules][groups][accusations][threads]
//   [managed frames][text][pools][control][ladder][history]          page-aligned, sparse
//
// Writers: the recorder (slots, sites, modules, counters), the watcher (its part of a slot, groups,
// accusations, ladder, history), the command (control). Only standard headers here.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "socktrack/history.h"
#include "socktrack/ladder.h"

namespace socktrack {

inline constexpr char kMagic[8] = {'S', 'O', 'C', 'K', 'T', 'R', 'K', '\n'};
inline constexpr std::uint32_t kLayoutVersion = 3;

inline constexpr std::size_t kPage = 4096;
inline constexpr std::uint32_t kMaxSlots = 1U << 20U;  // descriptors above are counted, not tracked
inline constexpr std::uint32_t kMaxSites = 4096;       // site 0 means "none"
inline constexpr std::uint32_t kMaxFrames = 30;        // innermost first; deeper stacks are cut
inline constexpr std::uint32_t kMaxModules = 256;
inline constexpr std::uint32_t kMaxGroups = 1024;
inline constexpr std::uint32_t kMaxAccusations = 65536;  // sampled sockets; counts in groups stay exact
inline constexpr const char* kRecordingSuffix = ".socktrack";

// What a socket is, as spoken to people. Values are stored: append only. Names: watch/vocabulary.h.
enum class Verdict : std::uint8_t {
  healthy = 0,
  eof_not_closed = 1,
  error_not_closed = 2,
  fin_unread = 3,
  data_unread = 4,
  never_accepted = 5,
  inherited = 6,
  abandoned = 7,
  half_open_peer = 8,
};

// The call in which a sighting was made. Stored: append only. Names: watch/vocabulary.h.
enum class Operation : std::uint8_t {
  none = 0,
  connect,
  recv,
  recvfrom,
  recvmsg,
  recvmmsg,
  read,
  readv,
  send,
  sendto,
  sendmsg,
  write,
  writev,
  getsockopt,
  shutdown,
  splice,
  sendfile,
  sendmmsg,
  preadv2,
  pwritev2,
  poll,
  epoll_wait,
  stdio,
  // Not witnesses: uses of a socket after the ladder had acted on it.
  dup,
  epoll_ctl,
};

// ---------------------------------------------------------------------------------------------
// Slot: one per descriptor number, 64 bytes so that neighbours never share a cache line.

// Low half of Slot::word. The high half is the generation: it grows each time the number is taken
// into use, so a stale writer or reader can tell that the socket it knew is gone.
namespace slot_flag {
inline constexpr std::uint32_t live = 1U << 0U;      // the program holds a tracked socket here
inline constexpr std::uint32_t accepted = 1U << 1U;  // born from accept, else from socket()
inline constexpr std::uint32_t listener = 1U << 2U;  // connections were accepted from it
inline constexpr std::uint32_t connect_tried = 1U << 3U;
inline constexpr std::uint32_t shut_write = 1U << 4U;  // the program called shutdown(WR or RDWR)
inline constexpr std::uint32_t shut_read = 1U << 5U;
inline constexpr std::uint32_t duplicate = 1U << 6U;  // has, or is, a dup: identity is the cookie
inline constexpr std::uint32_t inherited = 1U << 7U;  // came over a fork
inline constexpr std::uint32_t stdio = 1U << 8U;      // owned by a FILE: its EOF is invisible to hooks
inline constexpr std::uint32_t sighted = 1U << 9U;    // `sighting` belongs to this generation
inline constexpr std::uint32_t adopted = 1U << 10U;   // first seen in use, its opening was not seen
inline constexpr std::uint32_t ipv6 = 1U << 11U;
inline constexpr std::uint32_t unix_stream = 1U << 12U;  // AF_UNIX, SOCK_STREAM: judged by POLLHUP
inline constexpr std::uint32_t passed = 1U << 13U;    // a copy was sent over SCM_RIGHTS: others may hold it
inline constexpr std::uint32_t ignored = 1U << 14U;   // the program asked us to (socktrack.h)
inline constexpr std::uint32_t told = 1U << 15U;      // poll or epoll told the program that it is over
inline constexpr std::uint32_t in_epoll = 1U << 16U;  // member of an epoll set
inline constexpr std::uint32_t claimed = 1U << 17U;   // the mitigator is acting: a racing close waits
inline constexpr std::uint32_t finished = 1U << 18U;  // shut down by the mitigator
inline constexpr std::uint32_t parked = 1U << 19U;    // the number holds our dead end, not the socket
inline constexpr std::uint32_t marked = 1U << 20U;    // about to be acted on: sends take care of SIGPIPE
inline constexpr std::uint32_t pool_shift = 24;       // high 8 bits: index of the pool named by the program
}  // namespace slot_flag

inline constexpr std::uint32_t word_flags(std::uint64_t word) { return static_cast<std::uint32_t>(word); }
inline constexpr std::uint32_t word_generation(std::uint64_t word) {
  return static_cast<std::uint32_t>(word >> 32U);
}
inline constexpr std::uint64_t make_word(std::uint32_t generation, std::uint32_t flags) {
  return (static_cast<std::uint64_t>(generation) << 32U) | flags;
}

// A sighting in one word, so that no reader ever sees half of two of them:
// generation (low 16 bits) | operation 8 | errno 16 (0 = EOF) | site 24.
struct Sighting {
  std::uint16_t generation;
  Operation operation;
  std::uint16_t error;
  std::uint32_t site;
};
inline constexpr std::uint64_t pack(Sighting s) {
  return (static_cast<std::uint64_t>(s.generation) << 48U) |
         (static_cast<std::uint64_t>(s.operation) << 40U) | (static_cast<std::uint64_t>(s.error) << 24U) |
         (s.site & 0xffffffU);
}
inline constexpr Sighting unpack(std::uint64_t v) {
  return {static_cast<std::uint16_t>(v >> 48U), static_cast<Operation>((v >> 40U) & 0xffU),
          static_cast<std::uint16_t>((v >> 24U) & 0xffffU), static_cast<std::uint32_t>(v & 0xffffffU)};
}

struct Slot {
  // Recorder's part.
  std::atomic<std::uint64_t> word;        // generation | slot_flag
  std::atomic<std::uint64_t> sighting;    // packed Sighting, valid if `sighted`; else where it was shut down
  std::atomic<std::uint64_t> opened_ns;   // CLOCK_MONOTONIC_COARSE
  std::atomic<std::uint64_t> sighted_ns;  // not sighted: when a read found nothing after our shutdown
  std::atomic<std::uint32_t> open_site;
  std::atomic<std::uint32_t> sighted_tid;  // not sighted: the thread that opened it
  // Watcher's part; means something only while watched_generation equals the generation of word.
  std::atomic<std::uint64_t> cookie;  // SO_COOKIE, 0 = not asked yet
  std::atomic<std::uint64_t> dead_since_ns;
  std::atomic<std::uint32_t> watched_generation;
  std::atomic<std::uint32_t> accusation;  // index + 1 into accusations, 0 = none
};
static_assert(sizeof(Slot) == 64);

// ---------------------------------------------------------------------------------------------
// Site: an interned stack, 256 bytes + counters on a line of their own.

// A frame is a module index and an offset from the module's load bias, so ASLR is gone before
// anything is stored. For calls the offset is that of the return address minus one: it lies inside
// the calling instruction, which is what symbolisers want.
inline constexpr std::uint32_t kNoModule = 0xffff;       // JIT code: offset is the raw address
inline constexpr std::uint32_t kManagedModule = 0xfffe;  // offset is an index into the managed frames
inline constexpr std::uint64_t make_frame(std::uint32_t module, std::uint64_t offset) {
  return (static_cast<std::uint64_t>(module) << 48U) | (offset & 0xffffffffffffULL);
}
inline constexpr std::uint32_t frame_module(std::uint64_t frame) {
  return static_cast<std::uint32_t>(frame >> 48U);
}
inline constexpr std::uint64_t frame_offset(std::uint64_t frame) { return frame & 0xffffffffffffULL; }

struct CloseSample {
  std::atomic<std::uint32_t> site;
  std::atomic<std::uint32_t> count;
};

struct Site {
  std::atomic<std::uint64_t> hash;   // of the raw addresses; 0 = free, set first
  std::atomic<std::uint32_t> depth;  // number of frames; set last (release): then the rest is valid
  std::uint32_t reserved;
  std::uint64_t frames[kMaxFrames];
  // For open sites: how many sockets were opened here, how many of them closed, and where (sampled).
  std::atomic<std::uint64_t> opened;
  std::atomic<std::uint64_t> closed;
  CloseSample closes[6];
  // For open sites: how many the runtime's collector closed because nobody referred to them any more, and how
  // long after their end at most (ms).
  std::atomic<std::uint32_t> collected;
  std::atomic<std::uint32_t> collected_after_ms;
};
static_assert(sizeof(Site) == 328);

struct Module {
  std::atomic<std::uint64_t> base;  // start of the mapping; 0 = free, 1 = it was unloaded
  std::uint64_t end;
  std::uint64_t bias;                // address = bias + ELF virtual address
  std::atomic<std::uint32_t> ready;  // set last (release)
  std::uint8_t build_id_size;        // 0 = none
  std::uint8_t build_id[20];
  std::uint8_t path_cut;  // 1 = path did not fit
  std::uint16_t reserved;
  char path[456];  // as the loader knows it, NUL-terminated
};
static_assert(sizeof(Module) == 512);

// ---------------------------------------------------------------------------------------------
// Groups and accusations: verdicts as they were spoken. Written by the watcher only, except for
// late_closes and Accusation::closed_ns, which the recorder sets when the program closes after all.

namespace group_flag {
inline constexpr std::uint32_t at_exit = 1U << 0U;  // younger than the grace when the program ended
}

inline constexpr std::uint32_t kSizeSamples = 16;

namespace holder_flag {
inline constexpr std::uint32_t parent = 1U << 0U;   // the process that made this one
inline constexpr std::uint32_t child = 1U << 1U;    // a process that this one made
inline constexpr std::uint32_t cloexec = 1U << 2U;  // its copy would not survive an exec
}  // namespace holder_flag

// What was found beside the socket accused last, when it was accused. 0 or "": not looked for, or nothing.
struct EvidenceText {
  std::uint32_t holder_pid;    // another process with the same socket
  std::uint32_t holder_flags;  // holder_flag
  std::uint32_t worker_tid;    // the thread that ought to read
  std::uint32_t queue_length;  // never_accepted: connections in the listen queue, and its limit
  std::uint32_t queue_limit;
  char holder[16];  // program of holder_pid
  char worker[16];
  char doing[40];     // what the worker waits in: "futex"
  char threads[120];  // what all threads are in: "worker x3 in futex, main in accept4"
};
inline constexpr std::size_t kEvidenceWords = sizeof(EvidenceText) / sizeof(std::uint32_t);

// ... as it lies in shared memory: in words, which are written while others read them.
struct Evidence {
  std::atomic<std::uint32_t> version;  // odd while it is being written
  std::atomic<std::uint32_t> words[kEvidenceWords];
};
static_assert(sizeof(EvidenceText) == 212 && sizeof(Evidence) == 216);

struct Group {
  std::atomic<std::uint32_t> ready;  // set last (release)
  Verdict verdict;
  Operation operation;  // of the first sighting; part of the key
  std::uint16_t error;  // errno, 0 = none; part of the key
  std::uint32_t open_site;
  std::uint32_t sighting_site;  // 0 = nobody saw anything
  std::uint32_t flags;
  std::atomic<std::uint32_t> spoken;       // sockets accused so far
  std::atomic<std::uint32_t> late_closes;  // ... closed by the program after that
  std::atomic<std::uint32_t> withdrawn;    // ... taken back: data moved again, or a better verdict
  std::atomic<std::uint64_t> first_ns;     // CLOCK_MONOTONIC of the first and latest accusation
  std::atomic<std::uint64_t> latest_ns;
  std::atomic<std::uint64_t> grace_ns;  // raised by late closes
  char thread[16];                      // name of the thread of the first sighting
  // How many were accused over time: seconds of CLOCK_MONOTONIC << 32 | sockets. Evenly thinned when full.
  std::atomic<std::uint64_t> sizes[kSizeSamples];
  std::atomic<std::uint32_t> sizes_used;
  std::uint32_t size_step_s;  // least time between two samples; 0 = 1
  Evidence evidence;
  std::atomic<std::uint32_t> collected;  // of the late closes: made by the runtime's collector
  std::uint32_t reserved;
};
static_assert(sizeof(Group) == 432);

struct Endpoint {
  std::uint16_t family;      // 0 = unknown, AF_INET, AF_INET6, AF_UNIX
  std::uint16_t port;        // host order; UNIX: 1 = the path of the accusation is this end's name
  std::uint32_t scope;       // UNIX: process at this end, 0 = unknown
  std::uint8_t address[16];  // network order; IPv4 uses the first four
};
static_assert(sizeof(Endpoint) == 24);
inline constexpr std::size_t kMaxUnixPath = 64;

struct Accusation {
  std::atomic<std::uint32_t> ready;  // set last (release)
  std::uint32_t group;               // index into groups
  std::uint32_t fd;
  std::uint32_t generation;
  std::uint64_t cookie;
  std::uint64_t inode;
  std::uint64_t opened_ns;
  std::uint64_t dead_since_ns;  // since when no progress
  std::uint64_t spoken_ns;
  std::atomic<std::uint64_t> ended_ns;  // 0 = still accused; else closed late or withdrawn
  std::uint32_t recv_q;
  std::uint32_t send_q;
  std::uint32_t tid;                  // of the sighting
  std::uint8_t state;                 // TCP_* of <netinet/tcp.h>; UNIX: CLOSE_WAIT = the peer has closed
  std::atomic<std::uint8_t> reached;  // Rung: what was done to it
  std::atomic<std::uint8_t> plan;     // pack_plan: what the hand does, or why not
  std::atomic<std::uint8_t> answer;   // the same for the latest dry run
  Endpoint local;
  Endpoint peer;
  char path[kMaxUnixPath];  // UNIX: NUL-terminated, cut if longer
};
static_assert(sizeof(Accusation) == 192);

// A line of a language that is interpreted or compiled at run time. Its names are kept here: nobody outside
// could find them later. Interned by content.
enum class Language : std::uint8_t { none = 0, java = 1, python = 2, php = 3 };
// How a line came into a stack: the thread was in it; or an event loop made the call, for a coroutine that
// waits in this line; or for this function, which the loop calls for the connection (then the line is its
// first).
enum class LineRole : std::uint8_t { running = 0, awaiting = 1, callback = 2 };
inline constexpr std::uint32_t kMaxManaged = 8192;  // 0 means "none"
inline constexpr std::uint32_t kTextBytes = 1U << 20U;
inline constexpr std::uint32_t kMaxName = 400;  // longer names are cut
struct ManagedFrame {
  std::atomic<std::uint64_t> hash;   // of language, names, line and role; 0 = free, set first
  std::atomic<std::uint32_t> ready;  // set last (release)
  std::uint32_t line;                // 0 = unknown
  std::uint32_t function_at;         // offset into the text area, and bytes; UTF-8, no NUL
  std::uint32_t file_at;
  std::uint16_t function_size;
  std::uint16_t file_size;
  Language language;
  LineRole role;
  std::uint8_t reserved[2];
};
static_assert(sizeof(ManagedFrame) == 32);

// Names of threads that made sightings: a lossy cache, entry = tid % kMaxThreads. A name is copied
// into the group when a verdict is spoken; the thread may be gone by then.
inline constexpr std::uint32_t kMaxThreads = 128;
struct ThreadName {
  std::atomic<std::uint32_t> tid;  // 0 = being written or free
  std::uint32_t reserved;
  char name[24];  // NUL-terminated, 15 characters at most
};
static_assert(sizeof(ThreadName) == 32);

// Names of pools, given by the program (socktrack.h): entry = number of the pool - 1.
inline constexpr std::uint32_t kMaxPools = 255;  // what fits above slot_flag::pool_shift
struct PoolName {
  std::atomic<std::uint32_t> ready;  // 0 = free, 1 = being written, 2 = complete
  char name[28];                     // NUL-terminated, cut if longer
};
static_assert(sizeof(PoolName) == 32);

// ---------------------------------------------------------------------------------------------

// Counters that tell what could not be seen, and why. Index into Header::blind_spots; names and
// sentences for people: watch/vocabulary.h. Stored: append only.
enum class BlindSpot : std::uint8_t {
  table_full = 0,  // descriptor above the table, or its page could not be had (full tmpfs)
  sites_full,
  modules_full,
  groups_full,
  accusations_full,
  symbol_missing,     // a libc function that this libc does not have: its hook is off
  unseen_close,       // a tracked socket was gone without any hook seeing its close
  no_watcher_thread,  // the thread could not be started
  no_shared_file,     // recording is private memory: it dies with the process
  io_uring,
  foreign_child,    // calls in a vfork or raw-clone child were passed through unrecorded
  sandboxed,        // a seccomp filter was installed: nothing is asked or written any more
  deepbind,         // a library was loaded with RTLD_DEEPBIND: its calls go past us
  other_namespace,  // dlmopen: a libc of its own, unseen
  split_table,      // a thread unshared its descriptor table: one table is tracked per process
  count_,
};

enum class EndedBy : std::uint32_t { not_yet = 0, exit = 1, underscore_exit = 2, exec = 3 };

struct Header {
  char magic[8];
  std::uint32_t layout_version;
  std::uint32_t header_size;
  std::uint64_t total_size;
  std::uint64_t slots_at, sites_at, modules_at, groups_at, accusations_at, threads_at;  // byte offsets
  std::uint64_t pools_at;
  std::uint64_t control_at, ladder_at;
  std::uint32_t slot_count, site_count, module_count, group_count, accusation_count;
  std::uint32_t pid, parent_pid, uid;
  std::uint64_t created_realtime_ns;
  std::uint64_t created_monotonic_ns;  // CLOCK_MONOTONIC: the zero of nothing, pairs with realtime
  std::uint64_t created_boottime_ns;   // compared with /proc/PID/stat to tell a reused pid
  std::uint64_t grace_ns;
  std::uint64_t hard_limit;  // RLIMIT_NOFILE at creation
  char program[256];         // program_invocation_name or /proc/self/exe, cut if longer
  char command[16];          // thread name of the main thread

  // Living part.
  std::atomic<std::uint32_t> ready;        // set last (release) at creation
  std::atomic<std::uint32_t> ended_by;     // EndedBy
  std::atomic<std::uint32_t> exit_status;  // as given to exit, valid if ended_by says so
  std::atomic<std::uint32_t> final_sweep;  // 1 = the verdicts include a last look at exit
  std::atomic<std::uint64_t> ended_realtime_ns;
  std::atomic<std::uint64_t> ended_monotonic_ns;
  std::atomic<std::uint64_t> sweeps;
  std::atomic<std::uint64_t> swept_monotonic_ns;
  std::atomic<std::uint64_t> opened;  // tracked sockets opened by this process
  std::atomic<std::uint64_t> closed;
  std::atomic<std::uint64_t> inherited;  // taken over from the parent at fork
  std::atomic<std::uint64_t> sightings;
  std::atomic<std::uint64_t> mitigated;
  std::atomic<std::uint64_t> fds_open;      // at the last sweep; 0 = unknown
  std::atomic<std::uint64_t> fds_limit;     // soft RLIMIT_NOFILE at the last sweep
  std::atomic<std::uint64_t> emfile;        // EMFILE/ENFILE answers the program got
  std::atomic<std::uint32_t> highest_slot;  // one past the highest slot ever used
  std::atomic<std::uint32_t> groups_used;
  std::atomic<std::uint32_t> accusations_used;
  std::atomic<std::uint32_t> sites_used;
  std::atomic<std::uint64_t> blind_spots[32];
  std::uint64_t managed_at, text_at;  // byte offsets
  std::atomic<std::uint32_t> managed_used;
  std::atomic<std::uint32_t> text_used;  // bytes
  std::atomic<std::uint64_t> forked_ns;  // when the program forked last, 0 = never
  std::atomic<std::uint32_t> fork_site;  // and where
  std::uint32_t birth_site;              // the fork this process came from; 0 = another way
  std::uint64_t history_at;              // byte offset
};
static_assert(sizeof(Header) <= kPage);
static_assert(static_cast<std::size_t>(BlindSpot::count_) <= 32);

static_assert(std::atomic<std::uint64_t>::is_always_lock_free && sizeof(std::atomic<std::uint64_t>) == 8);
static_assert(std::is_standard_layout_v<Header> && std::is_standard_layout_v<Slot> &&
              std::is_standard_layout_v<Site> && std::is_standard_layout_v<Accusation>);

// Where each area lies for a table of `slot_count` descriptors.
struct Layout {
  std::uint64_t slots_at, sites_at, modules_at, groups_at, accusations_at, threads_at, managed_at, text_at,
      pools_at, control_at, ladder_at, history_at, total;
};
inline constexpr std::uint64_t page_up(std::uint64_t n) {
  return (n + kPage - 1) & ~(std::uint64_t{kPage} - 1);
}
inline constexpr Layout layout_for(std::uint32_t slot_count) {
  Layout l{};
  l.slots_at = kPage;
  l.sites_at = page_up(l.slots_at + std::uint64_t{slot_count} * sizeof(Slot));
  l.modules_at = page_up(l.sites_at + std::uint64_t{kMaxSites} * sizeof(Site));
  l.groups_at = page_up(l.modules_at + std::uint64_t{kMaxModules} * sizeof(Module));
  l.accusations_at = page_up(l.groups_at + std::uint64_t{kMaxGroups} * sizeof(Group));
  l.threads_at = page_up(l.accusations_at + std::uint64_t{kMaxAccusations} * sizeof(Accusation));
  l.managed_at = page_up(l.threads_at + std::uint64_t{kMaxThreads} * sizeof(ThreadName));
  l.text_at = page_up(l.managed_at + std::uint64_t{kMaxManaged} * sizeof(ManagedFrame));
  l.pools_at = page_up(l.text_at + kTextBytes);
  l.control_at = page_up(l.pools_at + std::uint64_t{kMaxPools} * sizeof(PoolName));
  l.ladder_at = page_up(l.control_at + sizeof(LadderControl));
  l.history_at = page_up(l.ladder_at + std::uint64_t{kMaxGroups} * sizeof(GroupLadder));
  l.total = page_up(l.history_at + sizeof(History));
  return l;
}

}  // namespace socktrack
