#include "preload/snapshot.h"

#include <sys/mman.h>

#include <memory>

#include "preload/recorder.h"

namespace socktrack {

RecordingView snapshot_of_recording() {
  const Header* recording = recorder::recording();
  const std::size_t size = recording->total_size;
  void* copy =
      mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (copy == MAP_FAILED) return RecordingView::of_memory(recording, size);  // a small RLIMIT_AS
  const std::shared_ptr<const void> held(copy, [size](void* memory) { munmap(memory, size); });
  recorder::copy_made_pages(recording, copy);
  return RecordingView::of_memory(held, size);
}

}  // namespace socktrack
