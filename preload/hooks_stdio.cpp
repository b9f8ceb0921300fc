// Hooks of the calls that give a descriptor to a FILE or take it back. stdio reads and closes inside libc,
// where no hook of ours is: what was read is learnt from the FILE later (streams.h).
#include <cerrno>
#include <cstdio>

#include "preload/bodies.h"
#include "preload/hook.h"
#include "preload/process.h"
#include "preload/real.h"
#include "preload/streams.h"

namespace socktrack {
namespace {

int number_of(FILE* stream) {
  const int saved = errno;
  const int fd = fileno(stream);
  errno = saved;
  return fd;
}

// The descriptor is closed inside libc, whether the rest succeeds or not.
void closing_stream(FILE* stream) {
  const int fd = number_of(stream);
  if (!table::is_tracked(fd)) [[likely]]
    return;
  streams::forget(fd);
  closing(fd);
}

}  // namespace

HOOK(FILE*, fdopen, (int fd, const char* mode)) {
  FILE* stream = real.fdopen(fd, mode);
  if (stream != nullptr && table::is_tracked(fd) && !process::ours && process::at_home()) {
    table::mark(fd, slot_flag::stdio);
    streams::remember(fd, stream);
  }
  return stream;
}
ALSO(_IO_fdopen, fdopen);

HOOK(int, fclose, (FILE * stream)) {
  closing_stream(stream);
  return real.fclose(stream);
}
ALSO(_IO_fclose, fclose);

HOOK(FILE*, freopen, (const char* path, const char* mode, FILE* stream)) {
  closing_stream(stream);
  return real.freopen(path, mode, stream);
}

HOOK(FILE*, freopen64, (const char* path, const char* mode, FILE* stream)) {
  closing_stream(stream);
  return real.freopen64(path, mode, stream);
}

}  // namespace socktrack
