#include "bench/workload.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>

#include "bench/raw_call.h"

namespace bench {

namespace {

constexpr int kBatch = 128;  // 1-byte messages that fit any socket buffer, connections any backlog

struct Pair {
  int here, there;  // `here` was opened through libc, as programs do
};

struct Listener {
  int fd;
  sockaddr_in address;
};

const Listener& listener() {
  static const Listener only = [] {
    Listener l{require(socket(AF_INET, SOCK_STREAM, 0), "socket"), {}};
    l.address.sin_family = AF_INET;
    l.address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof l.address;
    require(bind(l.fd, reinterpret_cast<sockaddr*>(&l.address), size), "bind");
    require(listen(l.fd, 2 * kBatch), "listen");
    require(getsockname(l.fd, reinterpret_cast<sockaddr*>(&l.address), &size), "getsockname");
    return l;
  }();
  return only;
}

int raw_client() {
  const long fd = require(raw_call(SYS_socket, AF_INET, SOCK_STREAM, 0), "socket");
  const sockaddr_in& address = listener().address;
  require(raw_call(SYS_connect, fd, address_of(&address), sizeof address), "connect");
  return static_cast<int>(fd);
}

// Leaves with a reset: a FIN would leave a TIME_WAIT behind and use up the ports.
void raw_reset(int fd) {
  const linger now{1, 0};
  raw_call(SYS_setsockopt, fd, SOL_SOCKET, SO_LINGER, address_of(&now), sizeof now);
  raw_call(SYS_close, fd);
}

Pair tcp() {
  static const Pair only = [] {
    const int there = raw_client();
    const int here = require(accept4(listener().fd, nullptr, nullptr, 0), "accept4");
    const int on = 1;
    setsockopt(here, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return Pair{here, there};
  }();
  return only;
}

Pair unix_pair() {
  static const Pair only = [] {
    int ends[2];
    require(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), "socketpair");
    return Pair{ends[0], ends[1]};
  }();
  return only;
}

int null_device() {
  static const int fd = require(open("/dev/null", O_WRONLY | O_CLOEXEC), "/dev/null");
  return fd;
}

void raw_send(int fd, int bytes) {
  static const char data[kBatch] = {};
  require(raw_call(SYS_write, fd, address_of(data), bytes), "write");
}

// Takes whatever there is.
void raw_drain(int fd) {
  char data[4 * kBatch];
  while (raw_call(SYS_recvfrom, fd, address_of(data), sizeof data, MSG_DONTWAIT) > 0) {
  }
}

template <Pair (*pair)()>
void fill(int calls) {
  raw_send(pair().there, calls);
}
template <Pair (*pair)()>
void empty(int) {
  raw_drain(pair().there);
}

template <Pair (*pair)()>
void receive(int calls) {
  const int fd = pair().here;
  char byte = 0;
  for (int i = 0; i < calls; ++i) require(recv(fd, &byte, 1, 0) - 1, "recv");
}
template <Pair (*pair)()>
void transmit(int calls) {
  const int fd = pair().here;
  for (int i = 0; i < calls; ++i) require(send(fd, "x", 1, MSG_NOSIGNAL) - 1, "send");
}

void nothing(int) {}

void write_null(int calls) {
  const int fd = null_device();
  for (int i = 0; i < calls; ++i) require(write(fd, "x", 1) - 1, "write");
}

int duplicates[kBatch];

void make_duplicates(int calls) {
  for (int i = 0; i < calls; ++i) {
    duplicates[i] = static_cast<int>(require(raw_call(SYS_dup, null_device()), "dup"));
  }
}
void close_duplicates(int calls) {
  for (int i = 0; i < calls; ++i) require(close(duplicates[i]), "close");
}

void queue_clients(int calls) {
  for (int i = 0; i < calls; ++i) raw_reset(raw_client());
}
void accept_and_close(int calls) {
  const int fd = listener().fd;
  for (int i = 0; i < calls; ++i) close(require(accept4(fd, nullptr, nullptr, 0), "accept4"));
}

void whole_cycle(int calls) {
  const Listener& server = listener();
  for (int i = 0; i < calls; ++i) {
    const int client = require(socket(AF_INET, SOCK_STREAM, 0), "socket");
    require(connect(client, reinterpret_cast<const sockaddr*>(&server.address), sizeof server.address),
            "connect");
    const int served = require(accept4(server.fd, nullptr, nullptr, 0), "accept4");
    const linger now{1, 0};
    setsockopt(client, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(client);
    close(served);
  }
}

constexpr Workload kWorkloads[] = {
    {"recv_tcp_1_byte", kBatch, fill<tcp>, receive<tcp>},
    {"send_tcp_1_byte", kBatch, empty<tcp>, transmit<tcp>},
    {"recv_unix_1_byte", kBatch, fill<unix_pair>, receive<unix_pair>},
    {"send_unix_1_byte", kBatch, empty<unix_pair>, transmit<unix_pair>},
    {"write_dev_null_1_byte", kBatch, nothing, write_null},
    {"close_no_socket", kBatch, make_duplicates, close_duplicates},
    {"accept_close", kBatch, queue_clients, accept_and_close},
    {"tcp_cycle", kBatch, nothing, whole_cycle},
};

}  // namespace

std::span<const Workload> workloads() { return kWorkloads; }

}  // namespace bench
