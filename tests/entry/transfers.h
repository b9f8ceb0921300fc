// One line per transfer of entrypoints.def, as a stream reader or writer uses it.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <functional>
#include <vector>

#include "socktrack/recording.h"

namespace entry {

inline constexpr std::size_t kBufferSize = 64;

struct Transfer {
  const char* name;  // of the row in entrypoints.def
  socktrack::Operation operation;
  std::function<ssize_t(int fd, std::size_t size)> call;
  std::function<ssize_t(int fd, std::size_t size)> peek = nullptr;
};

const std::vector<Transfer>& receivers();
const std::vector<Transfer>& senders();

}  // namespace entry
