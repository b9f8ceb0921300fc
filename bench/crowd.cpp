// Many connections on loopback, for bench/scale.py. It obeys lines on standard input; a mode that is told
// nothing more ends with it.
//
//   crowd hold              a server that accepts and reads, and forgets to close: says "port N", then for
//   each
//                           line "until N" says "holding N" once it holds so many; for "told N", how many
//                           ended
//   crowd connect PORT      clients of it: "more N" opens, "leave N" closes so many
//   crowd accept            a server that serves and closes: says "port N", at the end of input "accepted N"
//   crowd churn PORT S      connects and closes for S seconds: says "connected N"
//   crowd prefork N         a parent and N children that accept from one listener and forget
//   crowd ping PORT C S     C connections, 64 bytes there and back, for S seconds: says "answers N"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <ctime>
#include <string>
#include <string_view>
#include <vector>

#include "bench/crowd.h"

namespace {

using bench::require;
using bench::say;

double seconds() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

bool command(char (&word)[16], long& number) { return std::scanf("%15s %ld", word, &number) == 2; }

void watch(int set, int fd, std::uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.fd = fd;
  require(epoll_ctl(set, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
}

// The leak: the end of the stream is read and the descriptor kept.
[[gnu::noinline]] long read_and_forget(int fd) {
  char data[256];
  return recv(fd, data, sizeof data, MSG_DONTWAIT) == 0 ? 1 : 0;
}

[[gnu::noinline]] int take_client(int listener) {
  return require(accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC), "accept4");
}

int hold() {
  int port = 0;
  const int listener = bench::listen_anywhere(port);
  const int set = require(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
  watch(set, listener, EPOLLIN);
  say("port", port);
  long held = 0;
  long told = 0;
  char word[16];
  long number = 0;
  while (command(word, number)) {
    const bool wants_connections = std::string_view(word) == "until";
    while ((wants_connections ? held : told) < number) {
      epoll_event events[256];
      const int count = require(epoll_wait(set, events, 256, -1), "epoll_wait");
      for (int i = 0; i < count; i++) {
        if (events[i].data.fd != listener) {
          told += read_and_forget(events[i].data.fd);
          continue;
        }
        watch(set, take_client(listener), EPOLLIN | EPOLLET | EPOLLRDHUP);
        held++;
      }
    }
    say(wants_connections ? "holding" : "told", wants_connections ? held : told);
  }
  return 0;
}

int connect_many(int port) {
  std::vector<int> open;
  char word[16];
  long number = 0;
  while (command(word, number)) {
    if (std::string_view(word) == "more") {
      for (long i = 0; i < number; i++)
        open.push_back(bench::connect_to(port, static_cast<int>(open.size())));
    } else {
      for (long i = 0; i < number && !open.empty(); i++, open.pop_back()) close(open.back());
    }
    say("open", static_cast<long>(open.size()));
  }
  return 0;
}

int accept_all() {
  int port = 0;
  const int listener = bench::listen_anywhere(port);
  say("port", port);
  long accepted = 0;
  pollfd asked[2] = {{listener, POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
  while (poll(asked, 2, -1) > 0 && asked[1].revents == 0) {
    const int fd = take_client(listener);
    accepted++;
    read_and_forget(fd);
    close(fd);
  }
  say("accepted", accepted);
  return 0;
}

// Leaves with a reset: a minute of TIME_WAIT for each connection would use up the ports.
int churn(int port, double duration) {
  long connected = 0;
  for (const double end = seconds() + duration; seconds() < end; connected++)
    bench::close_with_reset(bench::connect_to(port, static_cast<int>(connected)));
  say("connected", connected);
  return 0;
}

[[noreturn]] void prefork_child(int listener) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const int fd = take_client(listener);
  pollfd asked{fd, POLLIN, 0};
  poll(&asked, 1, -1);
  read_and_forget(fd);
  for (;;) pause();
}

int prefork(long children) {
  int port = 0;
  const int listener = bench::listen_anywhere(port);
  std::vector<pid_t> pids;
  for (long i = 0; i < children; i++) {
    const pid_t pid = require(fork(), "fork");
    if (pid == 0) prefork_child(listener);
    pids.push_back(pid);
  }
  say("port", port);
  while (std::getchar() != EOF) {
  }
  for (const pid_t pid : pids) kill(pid, SIGKILL);
  while (wait(nullptr) > 0) {
  }
  return 0;
}

int ping(int port, long connections, double duration) {
  std::vector<int> open;
  for (long i = 0; i < connections; i++) open.push_back(bench::connect_to(port, 0));
  char data[64] = {};
  long answers = 0;
  for (const double end = seconds() + duration; seconds() < end;) {
    for (const int fd : open) require(send(fd, data, sizeof data, 0) - 64, "send");
    for (const int fd : open) require(recv(fd, data, sizeof data, MSG_WAITALL) - 64, "recv");
    answers += connections;
  }
  say("answers", answers);
  return 0;
}

int run(const std::vector<std::string>& words) {
  const std::string mode = words.empty() ? "" : words[0];
  const auto number = [&](std::size_t at) { return std::stol(words.at(at)); };
  if (mode == "hold") return hold();
  if (mode == "connect") return connect_many(static_cast<int>(number(1)));
  if (mode == "accept") return accept_all();
  if (mode == "churn") return churn(static_cast<int>(number(1)), std::stod(words.at(2)));
  if (mode == "prefork") return prefork(number(1));
  if (mode == "ping") return ping(static_cast<int>(number(1)), number(2), std::stod(words.at(3)));
  std::fprintf(stderr, "crowd: what?\n");
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  return run({argv + 1, argv + argc});
}
