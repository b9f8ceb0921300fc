// Calls that change what a process may do: the program's answer is its own, and recording goes on.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <ostream>
#include <string>

#include "own_recording.h"
#include "peers.h"

using namespace entry;

namespace {

// `good` leaves this process as it is, or is refused by the kernel with `refusal`.
struct Change {
  const char* name;
  int (*good)();
  int (*bad)();
  int refusal;
  int error;
};

int own_namespace() { return open("/proc/self/ns/uts", O_RDONLY | O_CLOEXEC); }

const Change kChanges[] = {
    {"prctl", [] { return prctl(PR_SET_NAME, "changed"); }, [] { return prctl(-1, 0UL, 0UL, 0UL, 0UL); }, 0,
     EINVAL},
    {"syscall_prctl", [] { return static_cast<int>(syscall(SYS_prctl, PR_SET_NAME, "changed")); },
     [] { return static_cast<int>(syscall(SYS_prctl, -1, 0, 0, 0, 0)); }, 0, EINVAL},
    {"unshare", [] { return unshare(CLONE_FILES | CLONE_FS); }, [] { return unshare(1); }, 0, EINVAL},
    {"syscall_unshare", [] { return static_cast<int>(syscall(SYS_unshare, CLONE_FILES)); },
     [] { return static_cast<int>(syscall(SYS_unshare, 1)); }, 0, EINVAL},
    {"setns", [] { return setns(own_namespace(), CLONE_NEWUTS); }, [] { return setns(-1, 0); }, EPERM, EBADF},
    {"syscall_setns", [] { return static_cast<int>(syscall(SYS_setns, own_namespace(), 0)); },
     [] { return static_cast<int>(syscall(SYS_setns, -1, 0)); }, EPERM, EBADF},
};
void PrintTo(const Change& change, std::ostream* out) { *out << change.name; }

class EveryChange : public testing::TestWithParam<Change> {
 protected:
  void SetUp() override { ASSERT_TRUE(library_is_loaded()); }
};

// In a child, so that the tests' own process stays as it is.
template <typename Body>
int status_of(Body body) {
  const pid_t pid = fork();
  if (pid == 0) _exit(body());
  int status = 0;
  waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 100 + WTERMSIG(status);
}

}  // namespace

TEST_P(EveryChange, IsAnsweredByTheKernel) {
#ifdef __SANITIZE_THREAD__
  if (std::string(GetParam().name).ends_with("unshare"))
    GTEST_SKIP() << "TSan has a thread of its own, which counts as another of the program";
#endif
  EXPECT_EQ(status_of([] {
              const Descriptor before(socket(AF_INET, SOCK_STREAM, 0));
              errno = 0;
              if (GetParam().good() != 0) return errno == GetParam().refusal ? 0 : 1;
              if (!slot_of(before.get()).live) return 2;
              const Descriptor after(socket(AF_INET, SOCK_STREAM, 0));
              return slot_of(after.get()).live ? 0 : 3;
            }),
            0);
}

TEST_P(EveryChange, FailureChangesNothing) {
  EXPECT_EQ(status_of([] {
              const Descriptor before(socket(AF_INET, SOCK_STREAM, 0));
              errno = 0;
              if (GetParam().bad() != -1 || errno != GetParam().error) return 1;
              const Descriptor after(socket(AF_INET, SOCK_STREAM, 0));
              return slot_of(before.get()).live && slot_of(after.get()).live ? 0 : 2;
            }),
            0);
}

INSTANTIATE_TEST_SUITE_P(Table, EveryChange, testing::ValuesIn(kChanges),
                         [](const auto& one) { return std::string(one.param.name); });
