#include "preload/streams.h"

#include <sys/uio.h>

#include <atomic>

#include "preload/process.h"
#include "preload/sandbox.h"
#include "preload/table.h"
#include "watch/raw_syscall.h"

namespace socktrack::streams {
namespace {

constexpr std::size_t kRoom = 1024;

struct Entry {
  std::atomic<FILE*> stream;
  std::atomic<std::uint32_t> generation;  // of the slot at fdopen
};
Entry g_entries[kRoom];  // by number

Entry& entry_of(int fd) { return g_entries[static_cast<std::size_t>(fd) % kRoom]; }

// Hazard: another thread may fclose the stream while it is read here, and its memory may be gone. Rule: the
// kernel reads it for us, and fails instead of faulting.
bool copy_of(const FILE* stream, char (&copy)[sizeof(FILE)]) {
  if (sandbox::silent()) return false;
  const iovec here{copy, sizeof copy};
  const iovec there{const_cast<FILE*>(stream), sizeof copy};
  return raw_syscall(SYS_process_vm_readv, static_cast<long>(process::thread_id()), reg(&here), 1,
                     reg(&there), 1, 0) == static_cast<long>(sizeof copy);
}

void ask(Entry& entry) {
  const FILE* stream = entry.stream.load(std::memory_order_acquire);
  alignas(FILE) char memory[sizeof(FILE)];
  if (stream == nullptr || !copy_of(stream, memory)) return;
  const auto& copy = *reinterpret_cast<const _IO_FILE*>(memory);
  if ((copy._flags & (_IO_EOF_SEEN | _IO_ERR_SEEN)) == 0 || !table::is_tracked(copy._fileno)) return;
  // Another stream may have been made of this memory, another socket got this number.
  if (&entry_of(copy._fileno) != &entry) return;
  if (table::generation_of(copy._fileno) != entry.generation.load(std::memory_order_relaxed)) return;
  if (entry.stream.load(std::memory_order_acquire) != stream) return;
  if ((copy._flags & _IO_EOF_SEEN) != 0) table::sight_unseen(copy._fileno, Operation::stdio);
}

}  // namespace

void remember(int fd, FILE* stream) {
  Entry& entry = entry_of(fd);
  entry.generation.store(table::generation_of(fd), std::memory_order_relaxed);
  entry.stream.store(stream, std::memory_order_release);
}

void forget(int fd) {
  Entry& entry = entry_of(fd);
  // The socket lives on under another number: what this stream has read is known now or never.
  if ((table::flags_of(fd) & slot_flag::duplicate) != 0) ask(entry);
  entry.stream.store(nullptr, std::memory_order_release);
}

void collect_sightings() {
  for (Entry& entry : g_entries) ask(entry);
}

}  // namespace socktrack::streams
