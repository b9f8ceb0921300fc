// What a hook must never do to a program: cancellation, signals, longjmp, exceptions.
#include <gtest/gtest.h>
#include <poll.h>
#include <setjmp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <stdexcept>
#include <thread>

#include "cancelled.h"
#include "own_recording.h"
#include "peers.h"

using namespace entry;

namespace {

class Harm : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(library_is_loaded()); }
};

sigjmp_buf g_jump;
int g_handler_fd = -1;
int g_handler_result = 0;

}  // namespace

TEST_F(Harm, ThreadIsCancelledInsideTheCall) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "the runtime of ASan fails its own check when a thread is cancelled (asan_thread.cpp)";
#endif
  Connection connection = connect_pair();
  const int fd = connection.ours.get();
  char byte = 0;
  expect_clean_cancellation([&] { recv(fd, &byte, 1, 0); });
  expect_clean_cancellation([&] { return read(fd, &byte, 1); });
  const Descriptor listener(listening_socket());
  expect_clean_cancellation([&] { accept(listener.get(), nullptr, nullptr); });
  EXPECT_FALSE(slot_of(connection.ours.get()).sighted);
}

TEST_F(Harm, LongjmpOutOfAHandlerInsideTheCall) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "TSan puts signal handlers off until the call has returned";
#endif
  Connection connection = connect_pair();
  if (sigsetjmp(g_jump, 1) == 0) {
    keep_interrupting([](int) { siglongjmp(g_jump, 1); });
    char byte = 0;
    recv(connection.ours.get(), &byte, 1, 0);
    FAIL() << "recv returned";
  }
  stop_interrupting();
  end_stream(connection);  // and everything still works
  char byte = 0;
  EXPECT_EQ(recv(connection.ours.get(), &byte, 1, 0), 0);
  EXPECT_TRUE(slot_of(connection.ours.get()).sighted);
}

TEST_F(Harm, CalledFromASignalHandlerWhileInTheCall) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "TSan puts signal handlers off until the call has returned";
#endif
  Connection connection = connect_pair();
  Connection other = connect_pair();
  end_stream(other);
  g_handler_fd = other.ours.get();
  g_handler_result = -1;
  keep_interrupting([](int) {
    char byte = 0;
    g_handler_result = static_cast<int>(recv(g_handler_fd, &byte, 1, 0));
  });
  char byte = 0;
  EXPECT_EQ(recv(connection.ours.get(), &byte, 1, 0), -1);
  EXPECT_EQ(errno, EINTR);
  stop_interrupting();
  EXPECT_EQ(g_handler_result, 0);
  EXPECT_TRUE(slot_of(g_handler_fd).sighted);
  EXPECT_FALSE(slot_of(connection.ours.get()).sighted);
}

// Handlers hit hooks in every state, the unwinder included.
TEST_F(Harm, StormOfSignalsAroundEveryStepOfAHook) {
  Connection connection = connect_pair();
  end_stream(connection);
  g_handler_fd = connection.ours.get();
  struct sigaction action {};
  action.sa_handler = [](int) {
    const int saved = errno;
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    char byte = 0;
    recv(g_handler_fd, &byte, 1, 0);
    close(fd);
    errno = saved;
  };
  action.sa_flags = SA_RESTART;
  ASSERT_EQ(sigaction(SIGALRM, &action, nullptr), 0);
  const itimerval often{{0, 200}, {0, 200}};
  setitimer(ITIMER_REAL, &often, nullptr);
  for (int i = 0; i < 5000; i++) {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    ASSERT_GE(fd, 0);
    ASSERT_EQ(close(fd), 0);
  }
  const itimerval never{};
  setitimer(ITIMER_REAL, &never, nullptr);
}

TEST_F(Harm, ExceptionsOfTheHostStayItsOwn) {
  // The watcher's thread is started from here: TSan's registry fails a check of its own, now and then, when
  // several fresh threads start others at once.
  const Descriptor first(socket(AF_INET, SOCK_STREAM, 0));
  std::atomic<int> caught{0};
  std::thread threads[4];
  for (std::thread& thread : threads) {
    thread = std::thread([&] {
      for (int i = 0; i < 200; i++) {
        const Descriptor fd(socket(AF_INET, SOCK_STREAM, 0));
        try {
          throw std::runtime_error("host");
        } catch (const std::exception&) {
          caught++;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(caught, 800);
}

TEST_F(Harm, NoDescriptorOfOursIsInTheProgram) {
  const Descriptor first(socket(AF_INET, SOCK_STREAM, 0));  // recording and watcher exist from here on
  const Descriptor second(socket(AF_INET, SOCK_STREAM, 0));
  EXPECT_EQ(second.get(), first.get() + 1);
}
