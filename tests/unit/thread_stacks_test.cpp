// Real threads of a real child: what each is in is found, and none of them notices.
#include "cli/thread_stacks.h"

#include <fcntl.h>
#include <gelf.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <ctime>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <thread>

namespace socktrack {
namespace {

constexpr int kRounds = 50;
constexpr int kPatience_ms = 60'000;  // only so that a failure ends

// Names from the symbol table of the file itself: right only if module, bias and offset are right.
class SymbolNames final : public Names {
 public:
  std::vector<Frame> frames_at(const Module& module, std::uint64_t offset) override {
    Frame frame;
    frame.module = module.path;
    frame.offset = offset;
    const auto& symbols = symbols_of(module.path);
    const auto next = symbols.upper_bound(offset);
    if (next != symbols.begin() && offset < std::prev(next)->second.end) {
      frame.function = std::prev(next)->second.name;
    }
    return {frame};
  }

 private:
  struct Symbol {
    std::string name;
    std::uint64_t end;
  };
  using Symbols = std::map<std::uint64_t, Symbol>;

  const Symbols& symbols_of(const std::string& path) {
    const auto [place, is_new] = files_.try_emplace(path);
    if (is_new) read(path, place->second);
    return place->second;
  }

  static void read(const std::string& path, Symbols& symbols) {
    elf_version(EV_CURRENT);
    const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    Elf* elf = elf_begin(fd, ELF_C_READ, nullptr);
    for (Elf_Scn* section = elf_nextscn(elf, nullptr); section != nullptr;
         section = elf_nextscn(elf, section)) {
      GElf_Shdr header;
      if (gelf_getshdr(section, &header) == nullptr || header.sh_type != SHT_SYMTAB) continue;
      Elf_Data* data = elf_getdata(section, nullptr);
      GElf_Sym symbol;
      for (int i = 0; gelf_getsym(data, i, &symbol) != nullptr; ++i) {
        if (GELF_ST_TYPE(symbol.st_info) != STT_FUNC || symbol.st_size == 0) continue;
        symbols[symbol.st_value] = {elf_strptr(elf, header.sh_link, symbol.st_name),
                                    symbol.st_value + symbol.st_size};
      }
    }
    elf_end(elf);
    close(fd);
  }

  std::map<std::string, Symbols> files_;
};

// ---- what the child's threads do ---------------------------------------------------------------

std::atomic<int> interruptions{0};  // EINTR seen by any thread
std::atomic<int> handled{0};
std::atomic<bool> spinning{true};

void count(long result) {
  if (result < 0 && errno == EINTR) ++interruptions;
}

// extern "C" for plain names; the loops keep the calls from becoming tail calls.
extern "C" {

[[gnu::noinline]] void test_waits_in_recv(int fd) {
  char byte = 0;
  while (true) count(recv(fd, &byte, 1, 0));
}

[[gnu::noinline]] void test_waits_in_epoll(int fd) {
  epoll_event event{};
  while (true) count(epoll_wait(fd, &event, 1, -1));
}

[[gnu::noinline]] void test_waits_in_poll(int fd) {
  pollfd watched{fd, POLLIN, 0};
  while (true) count(poll(&watched, 1, 3'600'000));
}

[[gnu::noinline]] void test_sleeps() {
  const timespec hour{3600, 0};
  while (true) count(nanosleep(&hour, nullptr));
}

[[gnu::noinline]] void test_spins() {
  while (spinning.load(std::memory_order_relaxed)) {
  }
}
}

void quiet_socket(int (&pair)[2]) {
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0) _exit(99);
}

int socket_with_timeout() {
  int pair[2];
  quiet_socket(pair);
  const timeval hour{3600, 0};
  setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &hour, sizeof hour);
  return pair[0];
}

// A child that runs `body(control, answers)`. Ended and waited for at the end of scope.
class Child {
 public:
  explicit Child(const std::function<void(int, int)>& body) {
    int control[2], answers[2];
    if (pipe2(control, O_CLOEXEC) != 0 || pipe2(answers, O_CLOEXEC) != 0) {
      throw std::runtime_error("no pipe");
    }
    pid_ = fork();
    if (pid_ == 0) {
      close(control[1]);
      body(control[0], answers[1]);
      _exit(0);
    }
    close(control[0]);
    close(answers[1]);
    control_ = control[1];
    answers_ = answers[0];
  }
  ~Child() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    close(control_);
    close(answers_);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  int pid() const { return pid_; }
  void ask() const { ASSERT_EQ(write(control_, "?", 1), 1); }
  // The next int the child writes; -1 if none comes.
  int answer() const {
    pollfd watched{answers_, POLLIN, 0};
    int value = -1;
    if (poll(&watched, 1, kPatience_ms) != 1 || read(answers_, &value, sizeof value) != sizeof value)
      return -1;
    return value;
  }

 private:
  pid_t pid_ = -1;
  int control_ = -1;
  int answers_ = -1;
};

void answer(int answers, int value) {
  if (write(answers, &value, sizeof value) != sizeof value) _exit(98);
}

void wait_for_question(int control) {
  char byte = 0;
  while (read(control, &byte, 1) < 0 && errno == EINTR) ++interruptions;
}

// Six threads in the six ways to wait (or not); answers the number of EINTR and of handled signals.
void run_waiting_threads(int control, int answers) {
  struct sigaction action {};
  action.sa_handler = [](int) { ++handled; };
  action.sa_flags = SA_RESTART;
  sigaction(SIGRTMIN, &action, nullptr);

  int pair[2];
  quiet_socket(pair);
  const int timed = socket_with_timeout();
  const int epoll = epoll_create1(0);
  std::thread(test_waits_in_recv, pair[0]).detach();
  std::thread([timed] {
    pthread_setname_np(pthread_self(), "timed");
    test_waits_in_recv(timed);
  }).detach();
  std::thread(test_waits_in_epoll, epoll).detach();
  std::thread(test_waits_in_poll, pair[1]).detach();
  std::thread(test_sleeps).detach();
  std::thread(test_spins).detach();
  wait_for_question(control);
  answer(answers, interruptions);
  answer(answers, handled);
}

// ---- helpers of the tests ----------------------------------------------------------------------

bool has_frame(const ThreadStack& thread, const std::string& function) {
  for (const Frame& frame : thread.frames) {
    if (frame.function == function) return true;
  }
  return false;
}

int count_in(const std::vector<ThreadStack>& threads, const std::string& function, const std::string& doing) {
  int n = 0;
  for (const ThreadStack& thread : threads) {
    if (has_frame(thread, function) && thread.doing.starts_with(doing)) ++n;
  }
  return n;
}

// What the kernel tells of a sleep that a look has interrupted before.
constexpr const char* kResumed = "poll, futex or sleep (resumed)";

bool all_found(const std::vector<ThreadStack>& threads) {
  return count_in(threads, "test_waits_in_recv", "recvfrom(fd ") == 2 &&
         count_in(threads, "test_waits_in_epoll", "epoll_wait(fd ") == 1 &&
         count_in(threads, "test_waits_in_poll", "poll") == 1 &&
         count_in(threads, "test_sleeps", "clock_nanosleep") + count_in(threads, "test_sleeps", kResumed) ==
             1 &&
         count_in(threads, "test_spins", "running") == 1;
}

std::string described(const std::vector<ThreadStack>& threads) {
  std::string text;
  for (const ThreadStack& thread : threads) {
    text += std::to_string(thread.tid) + " " + thread.name + " " + thread.doing + " " + thread.problem + ":";
    for (const Frame& frame : thread.frames) text += " " + frame.function;
    text += "\n";
  }
  return text;
}

// Looks until every thread has reached its place.
std::vector<ThreadStack> settled(int pid, Names& names) {
  const time_t deadline = time(nullptr) + kPatience_ms / 1000;
  while (true) {
    auto threads = thread_stacks(pid, names);
    if (all_found(threads) || time(nullptr) > deadline) return threads;
  }
}

void expect_refusal(int pid, const std::string& part) {
  SymbolNames names;
  try {
    thread_stacks(pid, names);
    FAIL() << "no exception";
  } catch (const std::runtime_error& error) {
    EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
  }
}

void expect_problem(int pid, const std::string& part) {
  SymbolNames names;
  const auto threads = thread_stacks(pid, names);
  ASSERT_FALSE(threads.empty());  // the first is the main thread; a sanitizer may add one
  EXPECT_TRUE(threads[0].frames.empty());
  EXPECT_NE(threads[0].problem.find(part), std::string::npos) << threads[0].problem;
}

// ---- the tests ---------------------------------------------------------------------------------

TEST(ThreadStacks, FindsEveryThreadAndInterruptsNone) {
  const Child child(run_waiting_threads);
  SymbolNames names;
  const auto first = settled(child.pid(), names);
  ASSERT_TRUE(all_found(first)) << described(first);
  for (int round = 0; round < kRounds; ++round) {
    const auto threads = thread_stacks(child.pid(), names);
    EXPECT_GE(threads.size(), 7U);
    for (const ThreadStack& thread : threads) EXPECT_EQ(thread.problem, "");
    // A thread of a loaded machine may be awake for a moment, but it stands where it stood.
    EXPECT_EQ(count_in(threads, "test_waits_in_recv", ""), 2) << described(threads);
    EXPECT_EQ(count_in(threads, "test_waits_in_epoll", ""), 1) << described(threads);
    EXPECT_EQ(count_in(threads, "test_waits_in_poll", ""), 1) << described(threads);
    EXPECT_EQ(count_in(threads, "test_sleeps", ""), 1) << described(threads);
    EXPECT_EQ(count_in(threads, "test_spins", ""), 1) << described(threads);
  }
  child.ask();
  EXPECT_EQ(child.answer(), 0) << "calls that failed with EINTR";
}

TEST(ThreadStacks, SaysWhichThreadIsInWhichModule) {
  const Child child(run_waiting_threads);
  SymbolNames names;
  const auto threads = settled(child.pid(), names);
  ASSERT_TRUE(all_found(threads)) << described(threads);
  bool named = false;
  for (const ThreadStack& thread : threads) {
    named = named || (thread.name == "timed" && has_frame(thread, "test_waits_in_recv"));
    if (!thread.frames.empty() && thread.doing.starts_with("recvfrom")) {
      EXPECT_NE(thread.frames[0].module.find("libc.so"), std::string::npos) << thread.frames[0].module;
    }
  }
  EXPECT_TRUE(named) << described(threads);
}

TEST(ThreadStacks, LosesNoSignalThatArrivesDuringTheLook) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "ThreadSanitizer keeps one signal of a number per thread and drops the others";
#endif
  const Child child(run_waiting_threads);
  SymbolNames names;
  ASSERT_TRUE(all_found(settled(child.pid(), names)));
  constexpr int kSignals = 200;  // real-time signals queue: each must be handled once
  std::atomic<bool> sent{false};
  std::thread sender([&] {
    for (int i = 0; i < kSignals; ++i) {
      while (sigqueue(child.pid(), SIGRTMIN, {}) != 0) std::this_thread::yield();
    }
    sent = true;
  });
  int looks = 0;
  while (!sent || looks < kRounds) {
    thread_stacks(child.pid(), names);
    ++looks;
  }
  sender.join();
  child.ask();
  child.answer();  // nanosleep and poll do see EINTR when a handler runs
  EXPECT_EQ(child.answer(), kSignals);
}

// epoll_pwait opens the mask only while it waits: without us each signal makes it fail with EINTR, and a
// program may wait for nothing else.
void answer_each_signal(int, int answers) {
  struct sigaction action {};
  action.sa_handler = [](int) { ++handled; };
  sigaction(SIGUSR1, &action, nullptr);
  sigset_t blocked, open;
  sigemptyset(&open);
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGUSR1);
  sigprocmask(SIG_BLOCK, &blocked, nullptr);
  const int epoll = epoll_create1(0);
  answer(answers, 0);
  while (true) {
    epoll_event event{};
    epoll_pwait(epoll, &event, 1, -1, &open);
    answer(answers, handled);
  }
}

TEST(ThreadStacks, KeepsTheInterruptionThatASignalOfTheProgramCaused) {
  const Child child(answer_each_signal);
  ASSERT_EQ(child.answer(), 0);
  std::atomic<bool> done{false};
  std::thread looker([&] {
    SymbolNames names;
    while (!done) thread_stacks(child.pid(), names);
  });
  for (int i = 1; i <= 300; ++i) {
    kill(child.pid(), SIGUSR1);
    const int answered = child.answer();
    EXPECT_EQ(answered, i) << "an EINTR too many or one too few";
    if (answered != i) break;
  }
  done = true;
  looker.join();
}

TEST(ThreadStacks, RefusesAProcessThatDoesNotExist) {
  const Child* child = new Child([](int, int) {});
  const int pid = child->pid();
  delete child;
  expect_refusal(pid, "no process");
}

TEST(ThreadStacks, RefusesItself) { expect_refusal(getpid(), "its own threads"); }

TEST(ThreadStacks, LeavesAStoppedProcessStopped) {
  const Child child([](int control, int) { wait_for_question(control); });
  kill(child.pid(), SIGSTOP);
  int status = 0;
  ASSERT_EQ(waitpid(child.pid(), &status, WUNTRACED), child.pid());
  expect_problem(child.pid(), "stopped");
  kill(child.pid(), SIGCONT);
  child.ask();
  ASSERT_EQ(waitpid(child.pid(), &status, 0), child.pid());
  EXPECT_TRUE(WIFEXITED(status));
}

TEST(ThreadStacks, NamesTheTracerThatWasThereFirst) {
  const Child child([](int control, int) { wait_for_question(control); });
  const Child tracer([&child](int control, int answers) {
    answer(answers, ptrace(PTRACE_SEIZE, child.pid(), nullptr, nullptr) == 0 ? 1 : 0);
    wait_for_question(control);
  });
  ASSERT_EQ(tracer.answer(), 1);
  expect_problem(child.pid(), "traced by process " + std::to_string(tracer.pid()));
}

TEST(ThreadStacks, SaysThatAZombieHasEnded) {
  const Child child([](int, int) {});
  siginfo_t info;
  ASSERT_EQ(waitid(P_PID, static_cast<id_t>(child.pid()), &info, WEXITED | WNOWAIT), 0);
  expect_problem(child.pid(), "ended");
}

}  // namespace
}  // namespace socktrack
