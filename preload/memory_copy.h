// Copies of memory that another thread may free, or give back to the kernel, at any moment: the kernel reads
// it for us, and fails instead of faulting.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>

#include "preload/process.h"
#include "preload/sandbox.h"
#include "watch/raw_syscall.h"

namespace socktrack {

inline constexpr std::size_t kMostPieces = 8;

struct Piece {
  std::uintptr_t from;
  void* to;
  std::size_t size;
};

// How many bytes, from the first one on, were there.
inline std::size_t copy_memory(const Piece* pieces, std::size_t count) {
  if (sandbox::silent()) return 0;
  iovec here[kMostPieces];
  iovec there[kMostPieces];
  for (std::size_t i = 0; i < count; i++) {
    here[i] = {pieces[i].to, pieces[i].size};
    there[i] = {reinterpret_cast<void*>(pieces[i].from), pieces[i].size};
  }
  const long copied = raw_syscall(SYS_process_vm_readv, process::pid(), reg(&here[0]), reg(count),
                                  reg(&there[0]), reg(count), 0);
  return raw_failed(copied) ? 0 : static_cast<std::size_t>(copied);
}

inline std::size_t copy_some(std::uintptr_t from, void* to, std::size_t size) {
  const Piece piece{from, to, size};
  return copy_memory(&piece, 1);
}

inline bool copy_whole(std::uintptr_t from, void* to, std::size_t size) {
  return copy_some(from, to, size) == size;
}

}  // namespace socktrack
