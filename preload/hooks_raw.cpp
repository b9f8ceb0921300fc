// syscall(2): libuv closes every socket this way, and so does whoever avoids cancellation points. The
// numbers we know lead to the same bodies as the functions; all others pass.
#include <cerrno>

#include "preload/bodies.h"
#include "preload/hook.h"
#include "preload/real.h"
#include "preload/recorder.h"

namespace socktrack {
namespace {

int as_int(long value) { return static_cast<int>(value); }
unsigned as_unsigned(long value) { return static_cast<unsigned>(value); }
template <typename T>
T* as_pointer(long value) {
  return reinterpret_cast<T*>(value);
}

// Whether a 0 from this call can mean the end of the stream.
bool eof_possible(long number, long b, long c, long d) {
  switch (number) {
    case SYS_read:
      return c > 0;
    case SYS_readv:
      return wants_bytes(as_pointer<const iovec>(b), static_cast<std::size_t>(c));
    case SYS_recvfrom:
      return c > 0 && consumes(as_int(d));
    case SYS_recvmsg: {
      const auto* message = as_pointer<const msghdr>(b);
      return wants_bytes(message->msg_iov, message->msg_iovlen) && consumes(as_int(c));
    }
    default:
      return false;
  }
}

Operation operation_of(long number) {
  switch (number) {
    case SYS_read:
      return Operation::read;
    case SYS_readv:
      return Operation::readv;
    case SYS_recvfrom:
      return Operation::recvfrom;
    case SYS_recvmsg:
      return Operation::recvmsg;
    case SYS_write:
      return Operation::write;
    case SYS_writev:
      return Operation::writev;
    case SYS_sendto:
      return Operation::sendto;
    case SYS_sendmsg:
      return Operation::sendmsg;
    default:
      return Operation::none;
  }
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
    case SYS_read:
    case SYS_readv:
    case SYS_recvfrom:
    case SYS_recvmsg:
    case SYS_write:
    case SYS_writev:
    case SYS_sendto:
    case SYS_sendmsg: {
      const long n = call();
      if (n > 0) return n;
      return witness(n, as_int(a), operation_of(number), n == 0 && eof_possible(number, b, c, d));
    }
    case SYS_io_uring_setup:
      if (!process::ours) recorder::count(BlindSpot::io_uring);
      return call();
    case SYS_exit_group:
      recorder::end(EndedBy::underscore_exit, as_int(a));
      return call();
    default:
      return call();
  }
}

}  // namespace socktrack
