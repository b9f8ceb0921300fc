// syscall(2): libuv closes every socket this way, and so does whoever avoids cancellation points. The
// numbers we know lead to the same bodies as the functions; all others pass.
#include <cerrno>

#include "preload/bodies.h"
#include "preload/departure.h"
#include "preload/hook.h"
#include "preload/process.h"
#include "preload/real.h"
#include "preload/recorder.h"
#include "preload/sandbox.h"

namespace socktrack {
namespace {

int as_int(long value) { return static_cast<int>(value); }
unsigned as_unsigned(long value) { return static_cast<unsigned>(value); }
template <typename T>
T* as_pointer(long value) {
  return reinterpret_cast<T*>(value);
}

// What the plain transfers are to people, and whether a 0 from one can mean the end of the stream.
struct Transfer {
  Operation operation;
  bool eof_possible;
};

Transfer transfer_of(long number, long b, long c, long d) {
  switch (number) {
    case SYS_read:
      return {Operation::read, c > 0};
    case SYS_readv:
      return {Operation::readv, wants_bytes(as_pointer<const iovec>(b), static_cast<std::size_t>(c))};
    case SYS_preadv2:
      return {Operation::preadv2, wants_bytes(as_pointer<const iovec>(b), static_cast<std::size_t>(c))};
    case SYS_recvfrom:
      return {Operation::recvfrom, c > 0 && consumes(as_int(d))};
    case SYS_write:
      return {Operation::write, false};
    case SYS_writev:
      return {Operation::writev, false};
    case SYS_pwritev2:
      return {Operation::pwritev2, false};
    case SYS_sendto:
      return {Operation::sendto, false};
    case SYS_sendfile:
      return {Operation::sendfile, false};
    default:
      return {Operation::none, false};
  }
}

// A failed call may have been given addresses that cannot be read.
long witness_of(long n, long number, long a, long b, long c, long d) {
  const Transfer transfer = n == 0 ? transfer_of(number, b, c, d) : transfer_of(number, 0, 0, d);
  return witness(n, as_int(a), transfer.operation, n == 0 && transfer.eof_possible);
}

}  // namespace

HOOK(long, syscall, (long number, long a, long b, long c, long d, long e, long f)) {
  const auto call = [&] { return real.syscall(number, a, b, c, d, e, f); };
  const auto small = [&] { return as_int(call()); };
  switch (number) {
    case SYS_socket:
      return socket_body(as_int(a), as_int(b), as_int(c), small);
#ifdef SYS_accept
    case SYS_accept:
#endif
    case SYS_accept4:
      return accept_body(as_int(a), small);
    case SYS_socketpair:
      return socketpair_body(as_int(a), as_int(b), as_int(c), as_pointer<const int>(d), small);
    case SYS_pidfd_getfd:
      return pidfd_getfd_body(small);
    case SYS_listen:
      return listen_body(as_int(a), small);
    case SYS_getsockopt:
      return getsockopt_body(as_int(a), as_int(b), as_int(c), as_pointer<const void>(d),
                             as_pointer<const socklen_t>(e), small);
    case SYS_connect:
      return connect_body(as_int(a), small);
    case SYS_shutdown:
      return shutdown_body(as_int(a), as_int(b), small);
    case SYS_close:
      return close_body(as_int(a), small);
    case SYS_close_range:
      return close_range_body(as_unsigned(a), as_unsigned(b), as_int(c), small);
    case SYS_dup:
      return dup_body(as_int(a), small);
#ifdef SYS_dup2
    case SYS_dup2:
      return dup_over_body(as_int(a), as_int(b), true, small);
#endif
    case SYS_dup3:
      return dup_over_body(as_int(a), as_int(b), a != b && (c & ~long{O_CLOEXEC}) == 0, small);
    case SYS_fcntl:
      return fcntl_body(as_int(a), as_int(b), small);
    case SYS_recvmsg:
      return recvmsg_body(as_int(a), as_pointer<const msghdr>(b), as_int(c), call);
    case SYS_sendmsg:
      return sendmsg_body(as_int(a), as_pointer<const msghdr>(b), call);
    case SYS_recvmmsg:
      return recvmmsg_body(as_int(a), as_pointer<const mmsghdr>(b), as_int(d), small);
    case SYS_sendmmsg:
      return sendmmsg_body(as_int(a), as_pointer<const mmsghdr>(b), small);
    case SYS_splice:
      return splice_body(as_int(a), as_int(c), static_cast<std::size_t>(e), call);
#ifdef SYS_poll
    case SYS_poll:
#endif
    case SYS_ppoll:
      return poll_body(as_pointer<const pollfd>(a), static_cast<nfds_t>(b), small);
    case SYS_epoll_ctl:
      return epoll_ctl_body(as_int(b), as_int(c), as_pointer<const epoll_event>(d), small);
#ifdef SYS_epoll_wait
    case SYS_epoll_wait:
#endif
    case SYS_epoll_pwait:
    case SYS_epoll_pwait2:
      return epoll_wait_body(as_pointer<const epoll_event>(b), small);
    case SYS_read:
    case SYS_readv:
    case SYS_preadv2:
    case SYS_recvfrom:
    case SYS_write:
    case SYS_writev:
    case SYS_pwritev2:
    case SYS_sendto:
    case SYS_sendfile: {
      const long n = call();
      return n > 0 ? n : witness_of(n, number, a, b, c, d);
    }
    case SYS_io_uring_setup:
      if (!process::ours) recorder::count(BlindSpot::io_uring);
      return call();
    case SYS_execve:
    case SYS_execveat:
      return exec_body(small);
    case SYS_prctl:
      sandbox::before_prctl(as_int(a), static_cast<unsigned long>(b), as_pointer<const void>(c));
      return call();
    case SYS_seccomp:
      sandbox::before_seccomp(as_unsigned(a), as_unsigned(b), as_pointer<const void>(c));
      return call();
    case SYS_unshare:
      return unshare_body(as_int(a), small);
    case SYS_setns:
      return setns_body(as_int(b), small);
    case SYS_clone:
      departure::note_clone(as_unsigned(a));
      return call();
    case SYS_clone3:  // its flags lie in memory that may not be there
#ifdef SYS_vfork
    case SYS_vfork:
#endif
      process::note_shared_memory();
      return call();
    case SYS_exit_group:
      recorder::end(EndedBy::underscore_exit, as_int(a));
      return call();
    default:
      return call();
  }
}

}  // namespace socktrack
