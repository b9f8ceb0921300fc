// Hooks of the calls that move bytes. On success: one frame around the real call, one compare.
#include <cerrno>

#include "preload/bodies.h"
#include "preload/hook.h"
#include "preload/process.h"
#include "preload/real.h"
#include "preload/socket_kind.h"

namespace socktrack {
namespace {

// The fortified twins are the same operation to people.
#define SAME(name) [[maybe_unused]] constexpr Operation operation_##name = Operation::name
SAME(recv);
SAME(recvfrom);
SAME(read);
SAME(readv);
SAME(send);
SAME(sendto);
SAME(write);
SAME(writev);
SAME(preadv2);
SAME(pwritev2);
SAME(sendfile);
#undef SAME
constexpr Operation operation___recv_chk = Operation::recv;
constexpr Operation operation___recvfrom_chk = Operation::recvfrom;
constexpr Operation operation___read_chk = Operation::read;

// The connection is over for good. EAGAIN, EINTR and misuse (EFAULT, EINVAL, EMSGSIZE) say nothing of it.
bool is_fatal(int error) {
  switch (error) {
    case ECONNRESET:
    case ECONNABORTED:
    case ECONNREFUSED:
    case ETIMEDOUT:
    case EPIPE:
    case ENOTCONN:
    case ESHUTDOWN:
    case EHOSTUNREACH:
    case EHOSTDOWN:
    case ENETUNREACH:
    case ENETDOWN:
    case ENETRESET:
      return true;
    default:
      return false;
  }
}

// An unknown descriptor is worth a question to the kernel only where it must be a socket: files end all the
// time.
bool must_be_socket(Operation operation) {
  switch (operation) {
    case Operation::recv:
    case Operation::recvfrom:
    case Operation::recvmsg:
    case Operation::recvmmsg:
    case Operation::send:
    case Operation::sendto:
    case Operation::sendmsg:
    case Operation::sendmmsg:
      return true;
    default:
      return false;
  }
}

}  // namespace

[[gnu::noinline]] ssize_t witness(ssize_t n, int fd, Operation operation, bool end_of_stream) {
  if (!end_of_stream && (n == 0 || !is_fatal(errno))) {
    if (n < 0 && errno == EAGAIN) table::note_try(fd);
    return n;
  }
  if (process::ours) return n;
  const bool known = table::is_tracked(fd);
  const std::uint32_t flags = known || !must_be_socket(operation) ? kNoStream : ask_stream_flags(fd);
  if ((!known && flags == kNoStream) || !process::seems_at_home()) return n;
  if (!known) table::adopt(fd, flags);
  if (known) mitigated::used(fd, operation);
  table::sight(fd, operation, n == 0 ? 0 : errno);
  return n;
}

#define ENTRY(...)
#define TRANSFER(name, parameters, arguments, eof_possible, raw)       \
  HOOK(ssize_t, name, parameters) {                                    \
    const ssize_t n = real.name arguments;                             \
    if (n > 0) [[likely]]                                              \
      return n;                                                        \
    return witness(n, fd, operation_##name, n == 0 && (eof_possible)); \
  }
#include "preload/entrypoints.def"

ALSO(__read, read);
ALSO(__write, write);
ALSO(__send, send);
ALSO(preadv64v2, preadv2);
ALSO(pwritev64v2, pwritev2);
ALSO(sendfile64, sendfile);

// One end is a pipe, and EPIPE of a pipe as target is none of the socket's business.
[[gnu::noinline]] ssize_t spliced(ssize_t n, int from, int to, std::size_t size) {
  if (n == 0) return witness(n, from, Operation::splice, size > 0);
  if (table::is_tracked(to)) return witness(n, to, Operation::splice, false);
  return errno == EPIPE ? n : witness(n, from, Operation::splice, false);
}

HOOK(ssize_t, splice, (int from, off_t* from_offset, int to, off_t* to_offset, size_t size, unsigned flags)) {
  return splice_body(from, to, size,
                     [&] { return real.splice(from, from_offset, to, to_offset, size, flags); });
}

}  // namespace socktrack
