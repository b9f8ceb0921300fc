#include "preload/recorder.h"

#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>

#include "preload/hand.h"
#include "preload/inheritance.h"
#include "preload/java_vm.h"
#include "preload/jit_frames.h"
#include "preload/json_target.h"
#include "preload/last_thread.h"
#include "preload/managed.h"
#include "preload/process.h"
#include "preload/recording_file.h"
#include "preload/sites.h"
#include "preload/small_text.h"
#include "preload/table.h"
#include "preload/watcher.h"
#include "watch/raw_syscall.h"
#include "watch/sweep.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

namespace socktrack::recorder {

constinit Options options;

namespace {

enum class State : std::uint8_t { none, creating, ready, passive };

// Which pages may be written. Never cleared but in a forked child.
constexpr std::size_t kMaxPages = layout_for(kMaxSlots).total / kPage;
std::atomic<std::uint64_t> g_pages[kMaxPages / 64 + 1];

std::atomic<Header*> g_recording{nullptr};
std::atomic<State> g_state{State::none};
std::atomic<std::uint32_t> g_early_counts[static_cast<std::size_t>(
    BlindSpot::count_)];  // blind spots met before there was a recording
std::atomic<bool> g_ended{false};
std::atomic<bool> g_shared{true};

std::atomic<bool> g_populate{true};
std::atomic<std::uintptr_t> g_base{0};  // where the recording lies, also while it is being made

// Made right after the fork, while we may still: the child may be about to drop root.
struct Prepared {
  RecordingMemory memory;
  std::uint32_t slots = 0;
};
Prepared g_prepared;

std::uint64_t clock_ns(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000U + static_cast<std::uint64_t>(now.tv_nsec);
}

std::uint32_t slots_wanted() {
  rlimit limit{};
  if (raw_failed(raw_syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, 0, reg(&limit)))) limit.rlim_max = 1024;
  return static_cast<std::uint32_t>(std::clamp<std::uint64_t>(limit.rlim_max, 64, kMaxSlots));
}

// The first page of each: should the disk be full by then, the first leaks are told all the same.
void keep_room_for_verdicts(Header& header) {
  char* base = reinterpret_cast<char*>(&header);
  touch(base + header.groups_at, 1);
  touch(base + header.accusations_at, 1);
  touch(base + header.ladder_at, 1);
}

void describe_process(Header& header) {
  header.pid = process::pid();
  header.parent_pid = static_cast<std::uint32_t>(raw_syscall(SYS_getppid));
  header.uid = static_cast<std::uint32_t>(raw_syscall(SYS_getuid));
  header.created_realtime_ns = clock_ns(CLOCK_REALTIME);
  header.created_monotonic_ns = clock_ns(CLOCK_MONOTONIC);
  header.created_boottime_ns = clock_ns(CLOCK_BOOTTIME);
  raw_syscall(SYS_readlinkat, -100 /* AT_FDCWD */, reg("/proc/thread-self/exe"), reg(header.program),
              sizeof header.program - 1);
  std::memcpy(header.command, process::name(), sizeof header.command);
}

void lay_out(Header& header, std::uint32_t slot_count) {
  const Layout layout = layout_for(slot_count);
  std::memcpy(header.magic, kMagic, sizeof kMagic);
  header.layout_version = kLayoutVersion;
  header.header_size = sizeof(Header);
  header.total_size = layout.total;
  header.slots_at = layout.slots_at;
  header.sites_at = layout.sites_at;
  header.modules_at = layout.modules_at;
  header.groups_at = layout.groups_at;
  header.accusations_at = layout.accusations_at;
  header.threads_at = layout.threads_at;
  header.managed_at = layout.managed_at;
  header.text_at = layout.text_at;
  header.pools_at = layout.pools_at;
  header.control_at = layout.control_at;
  header.ladder_at = layout.ladder_at;
  header.history_at = layout.history_at;
  header.slot_count = slot_count;
  header.site_count = kMaxSites;
  header.module_count = kMaxModules;
  header.group_count = kMaxGroups;
  header.accusation_count = kMaxAccusations;
  header.grace_ns = options.grace_ns;
  header.hard_limit = slot_count;
}

void tell_of_private_memory(Header& header, int error) {
  header.blind_spots[static_cast<std::size_t>(BlindSpot::no_shared_file)] = 1;
  char line[1400];
  SmallText text{line, sizeof line};
  text.add("socktrack: no recording in ").add(recording_directory()).add(" (").add(strerrordesc_np(error));
  text.add("): it is kept in memory and ends with process ").add(std::uint64_t{header.pid}).add("\n");
  raw_syscall(SYS_write, STDERR_FILENO, reg(line), static_cast<long>(text.size()));
}

Header* create() {
  std::uint32_t slot_count = g_prepared.slots;
  RecordingMemory memory = g_prepared.memory;
  if (memory.start == nullptr) {
    slot_count = slots_wanted();
    memory = make_recording_memory(options.output, layout_for(slot_count).total);
  }
  if (memory.start == nullptr) return nullptr;
  g_base.store(reinterpret_cast<std::uintptr_t>(memory.start), std::memory_order_relaxed);
  g_populate.store(memory.populate, std::memory_order_relaxed);
  auto* header = static_cast<Header*>(memory.start);
  if (!touch(header, sizeof *header)) return nullptr;
  lay_out(*header, slot_count);
  keep_room_for_verdicts(*header);
  describe_process(*header);
  for (std::size_t i = 0; i < std::size(g_early_counts); i++)
    header->blind_spots[i] = g_early_counts[i].exchange(0);
  g_shared.store(memory.shared, std::memory_order_relaxed);
  if (!memory.shared) tell_of_private_memory(*header, memory.error);
  inheritance::hand_over(header);
  if (g_prepared.slots != 0) g_prepared = {};
  hand::prepare(header);
  header->ready.store(1, std::memory_order_release);
  return header;
}

// Sockets were perhaps used where no hook is. Without a recording their reader would hear that there were
// none. A forked child has what its parent tells.
bool has_a_blind_spot_to_tell() {
  if (passive() || process::forked() || !(options.hosted || options.output[0] != '\0')) return false;
  constexpr BlindSpot kPast[] = {BlindSpot::deepbind, BlindSpot::other_namespace, BlindSpot::io_uring};
  return std::any_of(std::begin(kPast), std::end(kPast), [](BlindSpot spot) {
    return g_early_counts[static_cast<std::size_t>(spot)].load(std::memory_order_relaxed) > 0;
  });
}

bool populate(std::uintptr_t base, std::uintptr_t page) {
  const std::uint64_t bit = std::uint64_t{1} << (page % 64);
  if ((g_pages[page / 64].load(std::memory_order_relaxed) & bit) != 0) return true;
  const long answer =
      raw_syscall(SYS_madvise, static_cast<long>(base + page * kPage), kPage, MADV_POPULATE_WRITE);
  if (raw_failed(answer)) return false;
  g_pages[page / 64].fetch_or(bit, std::memory_order_relaxed);
  return true;
}

// Where nobody asked for recordings, those of processes that ended well would only fill a tmpfs.
bool nobody_will_read(const Header& header) {
  return options.output[0] == '\0' && !options.hosted && header.final_sweep.load() != 0 &&
         header.groups_used.load() == 0;
}

template <typename T>
T* record(Header* recording, std::uint64_t area, std::uint32_t index, std::uint32_t limit) {
  if (index >= limit) return nullptr;
  T* at = reinterpret_cast<T*>(reinterpret_cast<char*>(recording) + area) + index;
  return touch(at, sizeof *at) ? at : nullptr;
}

void forget_prepared() {
  if (g_prepared.memory.start == nullptr) return;
  munmap(g_prepared.memory.start, layout_for(g_prepared.slots).total);
  g_prepared = {};
}

}  // namespace

Header* recording() { return g_recording.load(std::memory_order_acquire); }

bool reports_itself() { return !options.hosted || !g_shared.load(std::memory_order_relaxed); }

bool passive() { return g_state.load(std::memory_order_relaxed) == State::passive; }

std::uint64_t now_ns() { return clock_ns(CLOCK_MONOTONIC_COARSE); }
std::uint64_t precise_now_ns() { return clock_ns(CLOCK_MONOTONIC); }

Header* begin() {
  Header* existing = recording();
  if (existing != nullptr) return existing;
  State expected = State::none;
  if (!g_state.compare_exchange_strong(expected, State::creating, std::memory_order_acq_rel)) return nullptr;
  const int saved = errno;
  Header* created = create();
  g_recording.store(created, std::memory_order_release);
  g_state.store(created != nullptr ? State::ready : State::passive, std::memory_order_release);
  if (created != nullptr) {
    jit_frames::look_for_map(created->pid);
    watcher::start();
  }
  errno = saved;
  return created;
}

void stay_passive() { g_state.store(State::passive, std::memory_order_release); }

void before_fork() {
  Header* header = recording();
  if (header == nullptr || process::ours || !process::at_home()) return;
  const int saved = errno;
  header->fork_site.store(sites::capture(header), std::memory_order_relaxed);
  header->forked_ns.store(now_ns(), std::memory_order_relaxed);
  errno = saved;
}

void after_fork(bool alone) {
  const int saved = errno;
  Header* parent = g_recording.exchange(nullptr, std::memory_order_relaxed);
  forget_prepared();
  if (g_ended.load(std::memory_order_relaxed)) g_ended.store(false, std::memory_order_relaxed);
  java::after_fork();
  // Before the first socket nothing of the rest has begun, and what was never written is zero. Each page that
  // is written here is one that the kernel copies, in every child of a shell.
  if (parent != nullptr || g_state.load(std::memory_order_relaxed) != State::none) {
    for (auto& word : g_pages) {
      if (word.load(std::memory_order_relaxed) != 0) word.store(0, std::memory_order_relaxed);
    }
    managed::note_runtimes();
    reset_sweep_after_fork();
    watcher::after_fork();
  } else {
    last_thread::after_fork();
  }
  if (passive()) return;
  g_state.store(options.follow_children ? State::none : State::passive, std::memory_order_relaxed);
  if (parent != nullptr && options.follow_children) inheritance::remember(parent);
  if (inheritance::is_due() && options.follow_children) {
    // Once it has dropped root, the child may not write into our directory any more.
    if (raw_syscall(SYS_geteuid) == 0) {
      g_prepared.slots = slots_wanted();
      g_prepared.memory = make_recording_memory(options.output, layout_for(g_prepared.slots).total, alone);
    }
  }
  errno = saved;
}

// If the exec fails after all, begin() makes another.
void discard_prepared() {
  if (g_prepared.memory.start == nullptr) return;
  const int saved = errno;
  discard_recording_memory(g_prepared.memory);
  forget_prepared();
  errno = saved;
}

void end(EndedBy by, int status) {
  if ((process::ours && !process::apart) || !process::at_home()) return;
  // A child that called nothing we hook may have copies of the parent's connections. At its end a verdict can
  // be spoken only where the young count.
  const bool may_owe = options.grace_ns == 0 && !passive() && inheritance::has_connection();
  if (recording() == nullptr && (json_target::is_awaited() || may_owe || has_a_blind_spot_to_tell())) begin();
  Header* header = recording();
  if (header == nullptr) return discard_prepared();
  if (g_ended.exchange(true, std::memory_order_acq_rel)) return;
  const int saved = errno;
  // From another table nothing can be judged.
  if (!process::apart && watcher::last_sweep()) header->final_sweep.store(1, std::memory_order_relaxed);
  header->exit_status.store(static_cast<std::uint32_t>(status) & 0xffU, std::memory_order_relaxed);
  header->ended_realtime_ns.store(clock_ns(CLOCK_REALTIME), std::memory_order_relaxed);
  header->ended_monotonic_ns.store(clock_ns(CLOCK_MONOTONIC), std::memory_order_relaxed);
  header->ended_by.store(static_cast<std::uint32_t>(by), std::memory_order_release);
  watcher::report_at_end();
  if (nobody_will_read(*header)) discard_recording_memory({.start = header, .shared = g_shared.load()});
  errno = saved;
}

void end_early(BlindSpot why) {
  const bool someone_reads = options.hosted || options.output[0] != '\0';
  if (recording() == nullptr && someone_reads && !passive()) begin();
  if (recording() != nullptr && !g_ended.exchange(true, std::memory_order_acq_rel)) {
    count(why);
    watcher::report_at_end();
  }
  watcher::retire();
  stay_passive();
}

bool note_end(EndedBy by) {
  Header* header = recording();
  if (header == nullptr || g_ended.load(std::memory_order_acquire)) return false;
  header->exit_status.store(0, std::memory_order_relaxed);
  header->ended_realtime_ns.store(clock_ns(CLOCK_REALTIME), std::memory_order_relaxed);
  header->ended_monotonic_ns.store(clock_ns(CLOCK_MONOTONIC), std::memory_order_relaxed);
  header->ended_by.store(static_cast<std::uint32_t>(by), std::memory_order_release);
  return true;
}

void forget_end() {
  Header* header = recording();
  if (header == nullptr || g_ended.load(std::memory_order_acquire)) return;
  header->ended_by.store(static_cast<std::uint32_t>(EndedBy::not_yet), std::memory_order_release);
}

void count(BlindSpot spot) {
  Header* header = recording();
  const auto index = static_cast<std::size_t>(spot);
  if (header != nullptr) {
    header->blind_spots[index].fetch_add(1, std::memory_order_relaxed);
  } else {
    g_early_counts[index].fetch_add(1, std::memory_order_relaxed);
  }
}

std::uint64_t count_of(BlindSpot spot) {
  const Header* header = recording();
  return header == nullptr ? 0 : header->blind_spots[static_cast<std::size_t>(spot)].load();
}

bool touch(const void* at, std::size_t size) {
  if (!g_populate.load(std::memory_order_relaxed)) return true;
  const std::uintptr_t base = g_base.load(std::memory_order_relaxed);
  const std::uintptr_t start = reinterpret_cast<std::uintptr_t>(at) - base;
  for (std::uintptr_t page = start / kPage; page <= (start + size - 1) / kPage; page++) {
    if (!populate(base, page)) return false;
  }
  return true;
}

void copy_made_pages(const Header* recording, void* copy) {
  const auto* from = reinterpret_cast<const char*>(recording);
  auto* to = static_cast<char*>(copy);
  if (!g_populate.load(std::memory_order_relaxed)) {
    std::memcpy(to, from, recording->total_size);  // allocated whole, or private memory
    return;
  }
  for (std::size_t page = 0; page < recording->total_size / kPage; page++) {
    const std::uint64_t bit = std::uint64_t{1} << (page % 64);
    if ((g_pages[page / 64].load(std::memory_order_acquire) & bit) != 0)
      std::memcpy(to + page * kPage, from + page * kPage, kPage);
  }
}

Slot* slot_at(Header* header, std::uint32_t fd) {
  Slot* slot = record<Slot>(header, header->slots_at, fd, header->slot_count);
  if (slot == nullptr) count(BlindSpot::table_full);
  return slot;
}

Site* site_at(Header* header, std::uint32_t index) {
  return record<Site>(header, header->sites_at, index, kMaxSites);
}

ManagedFrame* managed_at(Header* header, std::uint32_t index) {
  return record<ManagedFrame>(header, header->managed_at, index, kMaxManaged);
}

char* text_at(Header* header, std::uint32_t offset, std::uint32_t size) {
  if (offset > kTextBytes || size > kTextBytes - offset) return nullptr;
  char* at = reinterpret_cast<char*>(header) + header->text_at + offset;
  return size == 0 || touch(at, size) ? at : nullptr;
}

Module* module_at(Header* header, std::uint32_t index) {
  return record<Module>(header, header->modules_at, index, kMaxModules);
}

}  // namespace socktrack::recorder
