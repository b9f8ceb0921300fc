#include "peers.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstdio>
#include <stdexcept>
#include <string>

#include "watch/raw_syscall.h"

namespace entry {
namespace {

void must(bool fine) {
  if (!fine) throw std::runtime_error("the loopback peer could not be set up");
}

void await(int fd, short events) {
  pollfd one{fd, events, 0};
  must(poll(&one, 1, 10'000) == 1);
}

sockaddr_storage loopback(bool ipv6) {
  sockaddr_storage address{};
  if (ipv6) {
    auto& v6 = reinterpret_cast<sockaddr_in6&>(address);
    v6.sin6_family = AF_INET6;
    v6.sin6_addr = in6addr_loopback;
  } else {
    auto& v4 = reinterpret_cast<sockaddr_in&>(address);
    v4.sin_family = AF_INET;
    v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  }
  return address;
}

sockaddr* any(sockaddr_storage& address) { return reinterpret_cast<sockaddr*>(&address); }

}  // namespace

Descriptor::~Descriptor() {
  if (fd_ >= 0) close(fd_);
}

int listening_socket(bool ipv6) {
  sockaddr_storage address = loopback(ipv6);
  const int fd = socket(address.ss_family, SOCK_STREAM, 0);
  must(fd >= 0 && bind(fd, any(address), sizeof address) == 0 && listen(fd, 64) == 0);
  return fd;
}

Connection connect_pair() {
  const Descriptor listener(listening_socket());
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  must(getsockname(listener.get(), any(address), &length) == 0);
  Connection connection;
  connection.peer = Descriptor(socket(AF_INET, SOCK_STREAM, 0));
  must(connect(connection.peer.get(), any(address), length) == 0);
  connection.ours = Descriptor(accept(listener.get(), nullptr, nullptr));
  must(connection.ours.get() >= 0);
  return connection;
}

void end_stream(Connection& connection) {
  close(connection.peer.release());
  await(connection.ours.get(), POLLIN);
}

void reset(Connection& connection) {
  const linger hard{1, 0};
  must(setsockopt(connection.peer.get(), SOL_SOCKET, SO_LINGER, &hard, sizeof hard) == 0);
  close(connection.peer.release());
  await(connection.ours.get(), POLLIN);
}

void send_byte(Connection& connection) {
  must(send(connection.peer.get(), "x", 1, 0) == 1);
  await(connection.ours.get(), POLLIN);
}

void set_nonblocking(int fd) { must(fcntl(fd, F_SETFL, O_NONBLOCK) == 0); }

int copy_behind_our_back(int fd) {
  const long pidfd = socktrack::raw_syscall(SYS_pidfd_open, getpid(), 0);
  const long copy = socktrack::raw_syscall(SYS_pidfd_getfd, pidfd, fd, 0);
  socktrack::raw_syscall(SYS_close, pidfd);
  return copy < 0 ? -1 : static_cast<int>(copy);
}

void close_behind_our_back(int fd) { socktrack::raw_syscall(SYS_close, fd); }

void keep_interrupting(void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;  // no SA_RESTART
  must(sigaction(SIGALRM, &action, nullptr) == 0);
  const itimerval often{{0, 10'000}, {0, 10'000}};
  must(setitimer(ITIMER_REAL, &often, nullptr) == 0);
}

void stop_interrupting() {
  const itimerval never{};
  must(setitimer(ITIMER_REAL, &never, nullptr) == 0);
}

void await_sleep(int tid) {
  const std::string path = "/proc/self/task/" + std::to_string(tid) + "/stat";
  for (char state = 'R'; state != 'S';) {
    FILE* stat = fopen(path.c_str(), "r");
    if (stat == nullptr) return;
    if (fscanf(stat, "%*d %*s %c", &state) != 1) state = 'R';
    fclose(stat);
    sched_yield();
  }
}

int closed_port() {
  const Descriptor listener(listening_socket());
  sockaddr_in address{};
  socklen_t length = sizeof address;
  must(getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &length) == 0);
  return ntohs(address.sin_port);
}

}  // namespace entry
