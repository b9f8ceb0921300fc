#include "bench/workload.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "bench/raw_call.h"

namespace bench {

namespace {

constexpr int kBatch = 128;  // 1-byte messages that fit any socket buffer, connections any backlog
constexpr int kLarge = 16 * 1024;
constexpr int kBatchBytes = 4 * kLarge;  // fits a pipe and every socket buffer

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

Pair new_unix_pair() {
  int ends[2];
  require(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), "socketpair");
  return {ends[0], ends[1]};
}
Pair unix_pair() {
  static const Pair only = new_unix_pair();
  return only;
}
Pair quiet_pair() {
  static const Pair only = new_unix_pair();
  return only;
}

Pair new_pipe() {
  int ends[2];
  require(pipe2(ends, O_CLOEXEC), "pipe2");
  return {ends[0], ends[1]};
}
Pair pipe_to_read() {
  static const Pair only = new_pipe();
  return only;
}
Pair pipe_to_write() {
  static const Pair only = [] {
    const Pair made = new_pipe();
    return Pair{made.there, made.here};
  }();
  return only;
}

int null_device() {
  static const int fd = require(open("/dev/null", O_WRONLY | O_CLOEXEC), "/dev/null");
  return fd;
}

// Full messages in, nothing left over: `bytes` is what all calls of a batch transfer together.
void raw_send(int fd, int bytes) {
  static const char data[kBatchBytes] = {};
  require(raw_call(SYS_write, fd, address_of(data), bytes) - bytes, "write");
}

// Takes whatever there is.
void raw_drain(int fd, int bytes) {
  static char data[kBatchBytes];
  for (long left = bytes; left > 0;) {
    left -= require(raw_call(SYS_read, fd, address_of(data), left) - 1, "read") + 1;
  }
}

char g_data[kLarge];

template <int bytes>
iovec whole() {
  return {g_data, bytes};
}

// One call of each function that moves bytes; each answers how many.
template <int bytes>
long by_recv(int fd) {
  return recv(fd, g_data, bytes, MSG_WAITALL);
}
template <int bytes>
long by_read(int fd) {
  return read(fd, g_data, bytes);
}
template <int bytes>
long by_readv(int fd) {
  const iovec part = whole<bytes>();
  return readv(fd, &part, 1);
}
template <int bytes>
long by_recvmsg(int fd) {
  iovec part = whole<bytes>();
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  return recvmsg(fd, &message, 0);
}
template <int bytes>
long by_send(int fd) {
  return send(fd, g_data, bytes, MSG_NOSIGNAL);
}
template <int bytes>
long by_write(int fd) {
  return write(fd, g_data, bytes);
}
template <int bytes>
long by_writev(int fd) {
  const iovec part = whole<bytes>();
  return writev(fd, &part, 1);
}
template <int bytes>
long by_sendmsg(int fd) {
  iovec part = whole<bytes>();
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  return sendmsg(fd, &message, MSG_NOSIGNAL);
}

using Transfer = long (*)(int fd);

template <Pair (*pair)(), Transfer transfer, int bytes>
struct Reading {
  static void prepare(int calls) { raw_send(pair().there, calls * bytes); }
  static void run(int calls) {
    const int fd = pair().here;
    for (int i = 0; i < calls; ++i) require(transfer(fd) - bytes, "a transfer");
  }
};

// What lies in a pair unread, whichever workload has written it: a pipe with a byte in it has no room for a
// batch.
template <Pair (*pair)()>
int g_unread = 0;

// What the last batch left is taken first; nobody reads the very last.
template <Pair (*pair)(), Transfer transfer, int bytes>
struct Writing {
  static void prepare(int calls) {
    raw_drain(pair().there, g_unread<pair>);
    g_unread<pair> = calls * bytes;
  }
  static void run(int calls) {
    const int fd = pair().here;
    for (int i = 0; i < calls; ++i) require(transfer(fd) - bytes, "a transfer");
  }
};

template <template <Pair (*)(), Transfer, int> class Kind, Pair (*pair)(), Transfer transfer, int bytes>
constexpr Workload moving(const char* name) {
  using Work = Kind<pair, transfer, bytes>;
  return {name, bytes == 1 ? kBatch : kBatchBytes / bytes, Work::prepare, Work::run};
}

void nothing(int) {}

void write_null(int calls) {
  const int fd = null_device();
  for (int i = 0; i < calls; ++i) require(write(fd, "x", 1) - 1, "write");
}

// Nothing moved: the hook looks closer.
void read_at_end(int calls) {
  static const int fd = require(open("/dev/null", O_RDONLY | O_CLOEXEC), "/dev/null");
  char byte = 0;
  for (int i = 0; i < calls; ++i) require(-read(fd, &byte, 1), "read");
}
void receive_would_block(int calls) {
  const int fd = quiet_pair().here;
  char byte = 0;
  for (int i = 0; i < calls; ++i) require(-1 - recv(fd, &byte, 1, MSG_DONTWAIT), "recv");
}
void poll_writable(int calls) {
  pollfd asked{quiet_pair().here, POLLOUT, 0};
  for (int i = 0; i < calls; ++i) require(poll(&asked, 1, 0) - 1, "poll");
}
void epoll_quiet(int calls) {
  static const int set = [] {
    const int made = require(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
    epoll_event event{};
    event.events = EPOLLIN;
    require(epoll_ctl(made, EPOLL_CTL_ADD, quiet_pair().here, &event), "epoll_ctl");
    return made;
  }();
  epoll_event event{};
  for (int i = 0; i < calls; ++i) require(epoll_wait(set, &event, 1, 0), "epoll_wait");
}
void get_flags(int calls) {
  const int fd = null_device();
  for (int i = 0; i < calls; ++i) require(fcntl(fd, F_GETFL), "fcntl");
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
void open_and_close(int calls) {
  for (int i = 0; i < calls; ++i) close(require(socket(AF_INET, SOCK_STREAM, 0), "socket"));
}

// The clients have sent a FIN: the server is told of the end, the recorder sights it. The client's number is
// reset afterwards, without TIME_WAIT.
int g_clients[kBatch];
void queue_leaving_clients(int calls) {
  for (int i = 0; i < calls; ++i) {
    if (g_clients[i] > 0) raw_reset(g_clients[i]);
    g_clients[i] = raw_client();
    raw_call(SYS_shutdown, g_clients[i], SHUT_WR);
  }
}
void accept_end_close(int calls) {
  const int fd = listener().fd;
  for (int i = 0; i < calls; ++i) {
    char byte = 0;
    const int served = require(accept4(fd, nullptr, nullptr, 0), "accept4");
    require(-recv(served, &byte, 1, 0), "recv");
    close(served);
  }
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
    moving<Reading, tcp, by_recv<1>, 1>("recv_tcp_1_byte"),
    moving<Writing, tcp, by_send<1>, 1>("send_tcp_1_byte"),
    moving<Reading, tcp, by_recv<kLarge>, kLarge>("recv_tcp_16_kib"),
    moving<Writing, tcp, by_send<kLarge>, kLarge>("send_tcp_16_kib"),
    moving<Reading, unix_pair, by_recv<1>, 1>("recv_unix_1_byte"),
    moving<Writing, unix_pair, by_send<1>, 1>("send_unix_1_byte"),
    moving<Reading, unix_pair, by_recv<kLarge>, kLarge>("recv_unix_16_kib"),
    moving<Writing, unix_pair, by_send<kLarge>, kLarge>("send_unix_16_kib"),
    moving<Reading, tcp, by_read<1>, 1>("read_tcp_1_byte"),
    moving<Reading, tcp, by_readv<1>, 1>("readv_tcp_1_byte"),
    moving<Reading, tcp, by_recvmsg<1>, 1>("recvmsg_tcp_1_byte"),
    moving<Writing, tcp, by_write<1>, 1>("write_tcp_1_byte"),
    moving<Writing, tcp, by_writev<1>, 1>("writev_tcp_1_byte"),
    moving<Writing, tcp, by_sendmsg<1>, 1>("sendmsg_tcp_1_byte"),
    moving<Reading, pipe_to_read, by_read<1>, 1>("read_pipe_1_byte"),
    moving<Writing, pipe_to_write, by_write<1>, 1>("write_pipe_1_byte"),
    moving<Reading, pipe_to_read, by_read<kLarge>, kLarge>("read_pipe_16_kib"),
    moving<Writing, pipe_to_write, by_write<kLarge>, kLarge>("write_pipe_16_kib"),
    {"write_dev_null_1_byte", kBatch, nothing, write_null},
    {"read_end_of_file", kBatch, nothing, read_at_end},
    {"recv_would_block", kBatch, nothing, receive_would_block},
    {"poll_unix", kBatch, nothing, poll_writable},
    {"epoll_wait_nothing", kBatch, nothing, epoll_quiet},
    {"fcntl_get_flags", kBatch, nothing, get_flags},
    {"close_no_socket", kBatch, make_duplicates, close_duplicates},
    {"socket_close", kBatch, nothing, open_and_close},
    {"accept_close", kBatch, queue_clients, accept_and_close},
    {"accept_end_close", kBatch, queue_leaving_clients, accept_end_close},
    {"tcp_cycle", kBatch, nothing, whole_cycle},
};

}  // namespace

std::span<const Workload> workloads() { return kWorkloads; }

}  // namespace bench
