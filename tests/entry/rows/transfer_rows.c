/* Rows that move bytes. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

#include "told.h"

ssize_t __recv_chk(int, void*, size_t, size_t, int);
ssize_t __recvfrom_chk(int, void*, size_t, size_t, int, struct sockaddr*, socklen_t*);
ssize_t __read_chk(int, void*, size_t, size_t);
ssize_t __read(int, void*, size_t);
ssize_t __write(int, const void*, size_t);
ssize_t __send(int, const void*, size_t, int);

static char buffer[64];
#define PARTS struct iovec parts[1] = {{buffer, 8}}
#define MESSAGE \
  PARTS;        \
  struct msghdr message = {.msg_iov = parts, .msg_iovlen = 1}
#define MESSAGES \
  PARTS;         \
  struct mmsghdr messages[1] = {{.msg_hdr = {.msg_iov = parts, .msg_iovlen = 1}}}

/* Success, end of stream, nothing wanted, nothing there, no descriptor. */
#define RECEIVES(name, on, on_none)             \
  void row_##name(struct scene* s) {            \
    PARTS;                                      \
    (void)parts;                                \
    int fd = s->over;                           \
    T(on);                                      \
    T(on);                                      \
    T(on_none);                                 \
    fd = s->a;                                  \
    raw(SYS_fcntl, fd, F_SETFL, O_NONBLOCK, 0); \
    T(on);                                      \
    fd = -1;                                    \
    T(on);                                      \
    fd = s->in;                                 \
    raw(SYS_fcntl, fd, F_SETFL, O_NONBLOCK, 0); \
    T(on);                                      \
  }
RECEIVES(recv, recv(fd, buffer, 8, 0), recv(fd, buffer, 0, 0))
RECEIVES(recvfrom, recvfrom(fd, buffer, 8, 0, NULL, NULL), recvfrom(fd, buffer, 8, MSG_PEEK, NULL, NULL))
RECEIVES(read, read(fd, buffer, 8), read(fd, buffer, 0))
RECEIVES(readv, readv(fd, parts, 1), readv(fd, parts, 0))
RECEIVES(preadv2, preadv2(fd, parts, 1, -1, 0), preadv2(fd, parts, 1, 5, 0))
RECEIVES(preadv64v2, preadv64v2(fd, parts, 1, -1, 0), preadv64v2(fd, parts, 1, -1, 0x4000))
RECEIVES(__recv_chk, __recv_chk(fd, buffer, 8, 64, 0), __recv_chk(fd, buffer, 0, 64, 0))
RECEIVES(__recvfrom_chk, __recvfrom_chk(fd, buffer, 8, 64, 0, NULL, NULL),
         __recvfrom_chk(fd, buffer, 8, 64, MSG_PEEK, NULL, NULL))
RECEIVES(__read_chk, __read_chk(fd, buffer, 8, 64), __read_chk(fd, buffer, 0, 64))
RECEIVES(__read, __read(fd, buffer, 8), __read(fd, buffer, 0))
void row_recvmsg(struct scene* s) {
  MESSAGE;
  T(recvmsg(s->over, &message, 0));
  T(recvmsg(s->over, &message, 0));
  T(recvmsg(s->a, &message, MSG_DONTWAIT));
  T(recvmsg(-1, &message, 0));
  T(recvmsg(s->in, &message, 0));
}
void row_recvmmsg(struct scene* s) {
  MESSAGES;
  T(recvmmsg(s->over, messages, 1, 0, NULL));
  T(recvmmsg(s->over, messages, 1, 0, NULL));
  T(recvmmsg(s->a, messages, 1, MSG_DONTWAIT, NULL));
  T(recvmmsg(-1, messages, 1, 0, NULL));
}
void row_splice(struct scene* s) {
  T(splice(s->over, NULL, s->out, NULL, 8, 0));
  T(splice(s->over, NULL, s->out, NULL, 8, 0));
  T(splice(s->in, NULL, s->a, NULL, 8, 0));
  T(splice(s->a, NULL, s->a, NULL, 8, 0));
  T(splice(-1, NULL, s->out, NULL, 8, 0));
}

/* Success, nothing to send, a peer that is gone, no descriptor. */
#define SENDS(name, on, on_none)     \
  void row_##name(struct scene* s) { \
    PARTS;                           \
    (void)parts;                     \
    int fd = s->a;                   \
    T(on);                           \
    T(on_none);                      \
    fd = s->over;                    \
    T(on);                           \
    fd = -1;                         \
    T(on);                           \
  }
SENDS(send, send(fd, buffer, 8, MSG_NOSIGNAL), send(fd, buffer, 0, 0))
SENDS(sendto, sendto(fd, buffer, 8, MSG_NOSIGNAL, NULL, 0), sendto(fd, buffer, 0, 0, NULL, 0))
SENDS(write, write(fd, buffer, 8), write(fd, buffer, 0))
SENDS(writev, writev(fd, parts, 1), writev(fd, parts, 0))
SENDS(pwritev2, pwritev2(fd, parts, 1, -1, 0), pwritev2(fd, parts, 1, 5, 0))
SENDS(pwritev64v2, pwritev64v2(fd, parts, 1, -1, 0), pwritev64v2(fd, parts, 1, 5, 0))
SENDS(__write, __write(fd, buffer, 8), __write(fd, buffer, 0))
SENDS(__send, __send(fd, buffer, 8, MSG_NOSIGNAL), __send(fd, buffer, 0, 0))
SENDS(sendfile, sendfile(fd, s->in, NULL, 8), sendfile(fd, -1, NULL, 8))
SENDS(sendfile64, sendfile64(fd, s->in, NULL, 8), sendfile64(fd, -1, NULL, 8))
void row_sendmsg(struct scene* s) {
  MESSAGE;
  T(sendmsg(s->a, &message, 0));
  T(sendmsg(s->over, &message, MSG_NOSIGNAL));
  T(sendmsg(-1, &message, 0));
}
void row_sendmmsg(struct scene* s) {
  MESSAGES;
  T(sendmmsg(s->a, messages, 1, 0));
  T(sendmmsg(s->over, messages, 1, MSG_NOSIGNAL));
  T(sendmmsg(-1, messages, 1, 0));
}
