// Hooks of the calls that move bytes. On success: one frame around the real call, one compare.
#include <cerrno>

#include "preload/bodies.h"
#include "preload/hook.h"
#include "preload/process.h"
#include "preload/real.h"

namespace socktrack {
namespace {

// The fortified twins are the same operation to people.
#define SAME(name) [[maybe_unused]] constexpr Operation operation_##name = Operation::name
SAME(recv);
SAME(recvfrom);
SAME(recvmsg);
SAME(read);
SAME(readv);
SAME(send);
SAME(sendto);
SAME(sendmsg);
SAME(write);
SAME(writev);
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
bool may_be_sighted(int fd, Operation operation) {
  if (table::is_tracked(fd)) return true;
  switch (operation) {
    case Operation::recv:
    case Operation::recvfrom:
    case Operation::recvmsg:
    case Operation::send:
    case Operation::sendto:
    case Operation::sendmsg:
      return kernel_says_tcp(fd);
    default:
      return false;
  }
}

}  // namespace

[[gnu::noinline]] ssize_t witness(ssize_t n, int fd, Operation operation, bool end_of_stream) {
  if (!end_of_stream && (n == 0 || !is_fatal(errno))) return n;
  if (process::ours || !may_be_sighted(fd, operation) || !process::at_home()) return n;
  if (!table::is_tracked(fd)) table::adopt(fd);
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

// On TCP the end of the stream arrives as messages of no bytes.
HOOK(int, recvmmsg, (int fd, mmsghdr* messages, unsigned count, int flags, timespec* timeout)) {
  const int n = real.recvmmsg(fd, messages, count, flags, timeout);
  if (n > 0 && messages[n - 1].msg_len > 0) [[likely]]
    return n;
  const bool end_of_stream = n > 0 && consumes(flags) &&
                             wants_bytes(messages[n - 1].msg_hdr.msg_iov, messages[n - 1].msg_hdr.msg_iovlen);
  if (n > 0) {
    witness(0, fd, Operation::recvmmsg, end_of_stream);
    return n;
  }
  return static_cast<int>(witness(n, fd, Operation::recvmmsg, false));
}

}  // namespace socktrack
