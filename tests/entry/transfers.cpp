#include "transfers.h"

#include <dlfcn.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <fcntl.h>

#include <cerrno>
#include <cstdlib>

using socktrack::Operation;

extern "C" {
ssize_t __recv_chk(int, void*, size_t, size_t, int);
ssize_t __recvfrom_chk(int, void*, size_t, size_t, int, sockaddr*, socklen_t*);
ssize_t __read_chk(int, void*, size_t, size_t);
ssize_t __read(int, void*, size_t);
ssize_t __write(int, const void*, size_t);
}

namespace entry {
namespace {

char g_buffer[kBufferSize];

iovec part(size_t size) { return {g_buffer, size}; }

ssize_t call_recvmsg(int fd, size_t size, int flags) {
  iovec parts = part(size);
  msghdr message{};
  message.msg_iov = &parts;
  message.msg_iovlen = 1;
  return recvmsg(fd, &message, flags);
}

// As a stream reader uses it: the bytes of the one message.
ssize_t call_recvmmsg(int fd, size_t size, int flags) {
  iovec parts = part(size);
  mmsghdr message{};
  message.msg_hdr.msg_iov = &parts;
  message.msg_hdr.msg_iovlen = 1;
  const int n = recvmmsg(fd, &message, 1, flags, nullptr);
  return n <= 0 ? n : static_cast<ssize_t>(message.msg_len);
}

ssize_t call_readv(int fd, size_t size) {
  const iovec parts = part(size);
  return readv(fd, &parts, 1);
}

ssize_t call_sendmsg(int fd, size_t size) {
  iovec parts = part(size);
  msghdr message{};
  message.msg_iov = &parts;
  message.msg_iovlen = 1;
  return sendmsg(fd, &message, MSG_NOSIGNAL);
}

ssize_t call_writev(int fd, size_t size) {
  const iovec parts = part(size);
  return writev(fd, &parts, 1);
}

using PositionedVector = ssize_t (*)(int, const iovec*, int, off_t, int);

// With the offset -1 it is readv or writev with flags, and works on sockets.
ssize_t vector_of(PositionedVector call, int fd, size_t size) {
  const iovec parts = part(size);
  return call(fd, &parts, 1, -1, 0);
}

ssize_t sys_vector(long number, int fd, size_t size) {
  const iovec parts = part(size);
  return syscall(number, fd, &parts, 1, -1L, 0L, 0);
}

struct Pipe {
  Pipe() {
    int ends[2];
    if (pipe(ends) != 0) abort();
    from = ends[0];
    to = ends[1];
  }
  int from, to;
};
Pipe& own_pipe() {
  static Pipe* pipe = new Pipe;
  return *pipe;
}

using Splice = ssize_t (*)(int, off_t*, int, off_t*, size_t, unsigned);

ssize_t splice_from(Splice call, int fd, size_t size) {
  const ssize_t n = call(fd, nullptr, own_pipe().to, nullptr, size, 0);
  char drained[64];
  const int error = errno;
  if (n > 0 && read(own_pipe().from, drained, sizeof drained) != n) abort();
  errno = error;
  return n;
}

ssize_t splice_to(Splice call, int fd, size_t size) {
  char bytes[64] = {};
  if (write(own_pipe().to, bytes, size) != static_cast<ssize_t>(size)) abort();
  const int before = errno;
  errno = 4711;
  const ssize_t n = call(own_pipe().from, nullptr, fd, nullptr, size, 0);
  const int error = n < 0 ? errno : before;
  if (n < 0 && read(own_pipe().from, bytes, sizeof bytes) != static_cast<ssize_t>(size)) abort();
  errno = error;
  return n;
}

ssize_t sys_splice(int in, off_t* in_at, int out, off_t* out_at, size_t size, unsigned flags) {
  return syscall(SYS_splice, in, in_at, out, out_at, size, flags);
}

using Sendfile = ssize_t (*)(int, int, off_t*, size_t);

ssize_t sendfile_to(Sendfile call, int fd, size_t size) {
  static const int source = [] {
    const int file = memfd_create("source", MFD_CLOEXEC);
    if (ftruncate(file, 64) != 0) abort();
    return file;
  }();
  off_t at = 0;
  return call(fd, source, &at, size);
}

ssize_t sys_sendfile(int out, int in, off_t* at, size_t size) {
  return syscall(SYS_sendfile, out, in, at, size);
}

using Sendmmsg = int (*)(int, mmsghdr*, unsigned, int);

ssize_t sendmmsg_to(Sendmmsg call, int fd, size_t size) {
  iovec parts = part(size);
  mmsghdr message{};
  message.msg_hdr.msg_iov = &parts;
  message.msg_hdr.msg_iovlen = 1;
  const int n = call(fd, &message, 1, MSG_NOSIGNAL);
  return n <= 0 ? n : static_cast<ssize_t>(message.msg_len);
}

int sys_sendmmsg(int fd, mmsghdr* messages, unsigned count, int flags) {
  return static_cast<int>(syscall(SYS_sendmmsg, fd, messages, count, flags));
}

ssize_t sys_recvmmsg(int fd, size_t size) {
  iovec parts = part(size);
  mmsghdr message{};
  message.msg_hdr.msg_iov = &parts;
  message.msg_hdr.msg_iovlen = 1;
  const long n = syscall(SYS_recvmmsg, fd, &message, 1, 0, nullptr);
  return n <= 0 ? n : static_cast<ssize_t>(message.msg_len);
}

ssize_t sys_recvmsg(int fd, size_t size) {
  iovec parts = part(size);
  msghdr message{};
  message.msg_iov = &parts;
  message.msg_iovlen = 1;
  return syscall(SYS_recvmsg, fd, &message, 0);
}

ssize_t sys_readv(int fd, size_t size) {
  const iovec parts = part(size);
  return syscall(SYS_readv, fd, &parts, 1);
}

ssize_t sys_sendmsg(int fd, size_t size) {
  iovec parts = part(size);
  msghdr message{};
  message.msg_iov = &parts;
  message.msg_iovlen = 1;
  return syscall(SYS_sendmsg, fd, &message, MSG_NOSIGNAL);
}

ssize_t sys_writev(int fd, size_t size) {
  const iovec parts = part(size);
  return syscall(SYS_writev, fd, &parts, 1);
}

// On aarch64 libc has it for old programs only, and nothing new can be linked to it.
auto send_twin() {
  static const auto found = reinterpret_cast<decltype(&send)>(dlsym(RTLD_DEFAULT, "__send"));
  return found;
}

}  // namespace

const std::vector<Transfer>& receivers() {
  static const std::vector<Transfer> all = {
      {"recv", Operation::recv, [](int fd, size_t n) { return recv(fd, g_buffer, n, 0); },
       [](int fd, size_t n) { return recv(fd, g_buffer, n, MSG_PEEK); }},
      {"recvfrom", Operation::recvfrom,
       [](int fd, size_t n) { return recvfrom(fd, g_buffer, n, 0, nullptr, nullptr); },
       [](int fd, size_t n) { return recvfrom(fd, g_buffer, n, MSG_PEEK, nullptr, nullptr); }},
      {"recvmsg", Operation::recvmsg, [](int fd, size_t n) { return call_recvmsg(fd, n, 0); },
       [](int fd, size_t n) { return call_recvmsg(fd, n, MSG_PEEK); }},
      {"recvmmsg", Operation::recvmmsg, [](int fd, size_t n) { return call_recvmmsg(fd, n, 0); },
       [](int fd, size_t n) { return call_recvmmsg(fd, n, MSG_PEEK); }},
      {"read", Operation::read, [](int fd, size_t n) { return read(fd, g_buffer, n); }},
      {"readv", Operation::readv, [](int fd, size_t n) { return call_readv(fd, n); }},
      {"__recv_chk", Operation::recv,
       [](int fd, size_t n) { return __recv_chk(fd, g_buffer, n, sizeof g_buffer, 0); },
       [](int fd, size_t n) { return __recv_chk(fd, g_buffer, n, sizeof g_buffer, MSG_PEEK); }},
      {"__recvfrom_chk", Operation::recvfrom,
       [](int fd, size_t n) { return __recvfrom_chk(fd, g_buffer, n, sizeof g_buffer, 0, nullptr, nullptr); },
       [](int fd, size_t n) {
         return __recvfrom_chk(fd, g_buffer, n, sizeof g_buffer, MSG_PEEK, nullptr, nullptr);
       }},
      {"__read_chk", Operation::read,
       [](int fd, size_t n) { return __read_chk(fd, g_buffer, n, sizeof g_buffer); }},
      {"__read", Operation::read, [](int fd, size_t n) { return __read(fd, g_buffer, n); }},
      {"preadv2", Operation::preadv2, [](int fd, size_t n) { return vector_of(preadv2, fd, n); }},
      {"preadv64v2", Operation::preadv2, [](int fd, size_t n) { return vector_of(preadv64v2, fd, n); }},
      {"splice", Operation::splice, [](int fd, size_t n) { return splice_from(splice, fd, n); }},
      {"syscall splice", Operation::splice, [](int fd, size_t n) { return splice_from(sys_splice, fd, n); }},
      {"syscall preadv2", Operation::preadv2,
       [](int fd, size_t n) { return sys_vector(SYS_preadv2, fd, n); }},
      {"syscall recvmmsg", Operation::recvmmsg, sys_recvmmsg},
      {"syscall", Operation::read, [](int fd, size_t n) { return syscall(SYS_read, fd, g_buffer, n); }},
      {"syscall recvfrom", Operation::recvfrom,
       [](int fd, size_t n) { return syscall(SYS_recvfrom, fd, g_buffer, n, 0, nullptr, nullptr); },
       [](int fd, size_t n) { return syscall(SYS_recvfrom, fd, g_buffer, n, MSG_PEEK, nullptr, nullptr); }},
      {"syscall recvmsg", Operation::recvmsg, sys_recvmsg},
      {"syscall readv", Operation::readv, sys_readv},
  };
  return all;
}

const std::vector<Transfer>& senders() {
  static const std::vector<Transfer> all = {
      {"send", Operation::send, [](int fd, size_t n) { return send(fd, g_buffer, n, MSG_NOSIGNAL); }},
      {"sendto", Operation::sendto,
       [](int fd, size_t n) { return sendto(fd, g_buffer, n, MSG_NOSIGNAL, nullptr, 0); }},
      {"sendmsg", Operation::sendmsg, call_sendmsg},
      {"write", Operation::write, [](int fd, size_t n) { return write(fd, g_buffer, n); }},
      {"writev", Operation::writev, call_writev},
      {"__send", Operation::send,
       [](int fd, size_t n) { return send_twin()(fd, g_buffer, n, MSG_NOSIGNAL); }},
      {"__write", Operation::write, [](int fd, size_t n) { return __write(fd, g_buffer, n); }},
      {"pwritev2", Operation::pwritev2, [](int fd, size_t n) { return vector_of(pwritev2, fd, n); }},
      {"pwritev64v2", Operation::pwritev2, [](int fd, size_t n) { return vector_of(pwritev64v2, fd, n); }},
      {"splice", Operation::splice, [](int fd, size_t n) { return splice_to(splice, fd, n); }},
      {"sendfile", Operation::sendfile, [](int fd, size_t n) { return sendfile_to(sendfile, fd, n); }},
      {"sendfile64", Operation::sendfile, [](int fd, size_t n) { return sendfile_to(sendfile64, fd, n); }},
      {"sendmmsg", Operation::sendmmsg, [](int fd, size_t n) { return sendmmsg_to(sendmmsg, fd, n); }},
      {"syscall splice", Operation::splice, [](int fd, size_t n) { return splice_to(sys_splice, fd, n); }},
      {"syscall sendfile", Operation::sendfile,
       [](int fd, size_t n) { return sendfile_to(sys_sendfile, fd, n); }},
      {"syscall sendmmsg", Operation::sendmmsg,
       [](int fd, size_t n) { return sendmmsg_to(sys_sendmmsg, fd, n); }},
      {"syscall pwritev2", Operation::pwritev2,
       [](int fd, size_t n) { return sys_vector(SYS_pwritev2, fd, n); }},
      {"syscall write", Operation::write,
       [](int fd, size_t n) { return syscall(SYS_write, fd, g_buffer, n); }},
      {"syscall writev", Operation::writev, sys_writev},
      {"syscall sendto", Operation::sendto,
       [](int fd, size_t n) { return syscall(SYS_sendto, fd, g_buffer, n, MSG_NOSIGNAL, nullptr, 0); }},
      {"syscall sendmsg", Operation::sendmsg, sys_sendmsg},
  };
  return all;
}

}  // namespace entry
