// Is memory there that somebody else may have named wrongly, or taken away?
#pragma once

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>

#include "socktrack/recording.h"
#include "watch/raw_syscall.h"

namespace socktrack {

// The kernel looks, page by page: an invalid way to change signals changes none. At least 8 bytes. A call
// that every program makes, so no filter refuses it.
inline bool is_readable(const void* at, std::size_t size) {
  const auto start = reinterpret_cast<std::uintptr_t>(at);
  const std::uintptr_t last = start + size - 8;
  for (std::uintptr_t word = start;; word = std::min(last, (word / kPage + 1) * kPage)) {
    if (raw_syscall(SYS_rt_sigprocmask, ~0L, static_cast<long>(word), 0, 8) != -EINVAL) return false;
    if (word == last) return true;
  }
}

}  // namespace socktrack
