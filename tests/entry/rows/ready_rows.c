/* Rows that tell a program what is ready. */
#define _GNU_SOURCE
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <time.h>

#include "told.h"

int __poll(struct pollfd*, nfds_t, int);
int __poll_chk(struct pollfd*, nfds_t, int, size_t);
int __ppoll_chk(struct pollfd*, nfds_t, const struct timespec*, const sigset_t*, size_t);

#define POLLED struct pollfd polled[2] = {{s->over, POLLIN, 0}, {s->a, POLLIN, 0}}
#define EVENT struct epoll_event event = {.events = EPOLLIN, .data = {.fd = s->over}}

static const struct timespec none = {0, 0};
static volatile nfds_t too_many = ~0UL; /* the compiler would complain */
#define POLLS(name, on, on_bad)      \
  void row_##name(struct scene* s) { \
    POLLED;                          \
    T(on);                           \
    T(polled[0].revents);            \
    T(on_bad);                       \
  }

POLLS(poll, poll(polled, 2, 0), poll(polled, too_many, 0))
POLLS(__poll, __poll(polled, 2, 0), __poll(polled, too_many, 0))
POLLS(ppoll, ppoll(polled, 2, &none, NULL), ppoll(polled, too_many, &none, NULL))
POLLS(__poll_chk, __poll_chk(polled, 2, 0, sizeof polled), __poll_chk(polled, 0, 0, 0))
POLLS(__ppoll_chk, __ppoll_chk(polled, 2, &none, NULL, sizeof polled), __ppoll_chk(polled, 0, &none, NULL, 0))
void row_epoll_ctl(struct scene* s) {
  EVENT;
  T(epoll_ctl(s->epoll, EPOLL_CTL_ADD, s->over, &event));
  T(epoll_ctl(s->epoll, EPOLL_CTL_ADD, s->over, &event));
  T(epoll_ctl(s->epoll, EPOLL_CTL_DEL, s->over, NULL));
  T(epoll_ctl(s->epoll, EPOLL_CTL_DEL, s->a, NULL));
  T(epoll_ctl(-1, EPOLL_CTL_ADD, s->over, &event));
}
#define WAITS(name, on, on_bad)                                    \
  void row_##name(struct scene* s) {                               \
    EVENT;                                                         \
    int set = s->epoll;                                            \
    raw(SYS_epoll_ctl, set, EPOLL_CTL_ADD, s->over, (long)&event); \
    T(on);                                                         \
    T(event.events);                                               \
    set = s->a;                                                    \
    T(on_bad);                                                     \
  }
WAITS(epoll_wait, epoll_wait(set, &event, 1, 0), epoll_wait(set, &event, 0, 0))
WAITS(epoll_pwait, epoll_pwait(set, &event, 1, 0, NULL), epoll_pwait(set, &event, 1, 0, NULL))
WAITS(epoll_pwait2, epoll_pwait2(set, &event, 1, &none, NULL), epoll_pwait2(set, &event, 1, &none, NULL))
