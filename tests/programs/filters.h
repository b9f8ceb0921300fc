// Seccomp filters as they are met in the wild, in raw BPF.
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#else
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#endif
#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define ANSWER(value) BPF_STMT(BPF_RET | BPF_K, (value))
#define HEAD                                                                                             \
  LOAD(arch), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0), ANSWER(SECCOMP_RET_KILL_PROCESS), \
      LOAD(nr)
#define ON(call, value) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##call, 0, 1), ANSWER(value)
#define ALLOW(call) ON(call, SECCOMP_RET_ALLOW)
#define KILL(call) ON(call, SECCOMP_RET_KILL_PROCESS)
#define REFUSE(call) ON(call, SECCOMP_RET_ERRNO | EPERM)

// Death for whatever the program itself does not call after it.
static const struct sock_filter strict_filter[] = {HEAD,
                                                   ALLOW(read),
                                                   ALLOW(write),
                                                   ALLOW(close),
                                                   ALLOW(socket),
                                                   ALLOW(bind),
                                                   ALLOW(listen),
                                                   ALLOW(connect),
                                                   ALLOW(accept),
                                                   ALLOW(recvfrom),
                                                   ALLOW(sendto),
                                                   ALLOW(getsockname),
                                                   ALLOW(exit_group),
                                                   ALLOW(exit),
                                                   ALLOW(newfstatat),
                                                   ALLOW(brk),
                                                   ALLOW(rt_sigreturn),
                                                   ANSWER(SECCOMP_RET_KILL_PROCESS)};

// What systemd's SystemCallFilter=@system-service leaves out kills.
static const struct sock_filter service_filter[] = {HEAD,
                                                    KILL(pidfd_getfd),
                                                    KILL(ptrace),
                                                    KILL(perf_event_open),
                                                    KILL(lookup_dcookie),
                                                    KILL(mount),
                                                    KILL(umount2),
                                                    KILL(pivot_root),
                                                    KILL(reboot),
                                                    KILL(swapon),
                                                    KILL(swapoff),
                                                    KILL(kexec_load),
                                                    KILL(init_module),
                                                    KILL(finit_module),
                                                    KILL(delete_module),
                                                    KILL(bpf),
                                                    KILL(userfaultfd),
                                                    KILL(acct),
                                                    KILL(settimeofday),
                                                    KILL(clock_settime),
                                                    KILL(io_uring_setup),
                                                    KILL(open_by_handle_at),
                                                    KILL(quotactl),
                                                    KILL(syslog),
                                                    KILL(vhangup),
                                                    ANSWER(SECCOMP_RET_ALLOW)};

// Docker's default: the answer to what is not on its list is EPERM, to clone3 ENOSYS, and clone may make no
// namespaces. Told by what is not on the list, without CAP_SYS_ADMIN and CAP_SYS_PTRACE.
static const struct sock_filter docker_filter[] = {HEAD,
                                                   BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 4),
                                                   LOAD(args[0]),
                                                   BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x7E020000, 0, 1),
                                                   ANSWER(SECCOMP_RET_ERRNO | EPERM),
                                                   ANSWER(SECCOMP_RET_ALLOW),
                                                   ON(clone3, SECCOMP_RET_ERRNO | ENOSYS),
                                                   REFUSE(pidfd_getfd),
                                                   REFUSE(process_madvise),
                                                   REFUSE(ptrace),
                                                   REFUSE(process_vm_readv),
                                                   REFUSE(process_vm_writev),
                                                   REFUSE(kcmp),
                                                   REFUSE(perf_event_open),
                                                   REFUSE(bpf),
                                                   REFUSE(unshare),
                                                   REFUSE(setns),
                                                   REFUSE(mount),
                                                   REFUSE(umount2),
                                                   REFUSE(pivot_root),
                                                   REFUSE(chroot),
                                                   REFUSE(keyctl),
                                                   REFUSE(add_key),
                                                   REFUSE(request_key),
                                                   REFUSE(userfaultfd),
                                                   REFUSE(open_by_handle_at),
                                                   REFUSE(io_uring_setup),
                                                   REFUSE(io_uring_enter),
                                                   REFUSE(io_uring_register),
                                                   REFUSE(reboot),
                                                   REFUSE(acct),
                                                   REFUSE(swapon),
                                                   REFUSE(swapoff),
                                                   REFUSE(init_module),
                                                   REFUSE(finit_module),
                                                   REFUSE(delete_module),
                                                   REFUSE(kexec_load),
                                                   REFUSE(lookup_dcookie),
                                                   REFUSE(quotactl),
                                                   REFUSE(syslog),
                                                   REFUSE(settimeofday),
                                                   REFUSE(clock_settime),
                                                   REFUSE(vhangup),
                                                   REFUSE(fanotify_init),
                                                   REFUSE(name_to_handle_at),
                                                   REFUSE(move_pages),
                                                   REFUSE(mbind),
                                                   REFUSE(set_mempolicy),
                                                   REFUSE(get_mempolicy),
                                                   ANSWER(SECCOMP_RET_ALLOW)};

// As browsers have it: whether a call is allowed depends on its arguments, here on the option that is asked
// for.
static const struct sock_filter options_filter[] = {HEAD,
                                                    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getsockopt, 0, 3),
                                                    LOAD(args[2]),
                                                    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SO_ERROR, 1, 0),
                                                    ANSWER(SECCOMP_RET_KILL_PROCESS),
                                                    ANSWER(SECCOMP_RET_ALLOW)};

// For a launcher: what the loader needs and an ordinary C program with sockets, threads and children, and
// death for the rest: it may not ask for its number, for options of sockets, or what a descriptor is.
static const struct sock_filter launcher_filter[] = {
    HEAD, ALLOW(execve), ALLOW(brk), ALLOW(mmap), ALLOW(munmap), ALLOW(mprotect),
#ifdef SYS_access
    ALLOW(access),
#endif
    ALLOW(faccessat), ALLOW(openat), ALLOW(newfstatat), ALLOW(fstat), ALLOW(read), ALLOW(pread64),
    ALLOW(write), ALLOW(close),
#ifdef SYS_arch_prctl
    ALLOW(arch_prctl),
#endif
    ALLOW(set_tid_address), ALLOW(set_robust_list), ALLOW(rseq), ALLOW(prlimit64), ALLOW(getrandom),
    ALLOW(socket), ALLOW(bind), ALLOW(listen), ALLOW(connect), ALLOW(accept), ALLOW(dup), ALLOW(dup3),
#ifdef SYS_dup2
    ALLOW(dup2),
#endif
    ALLOW(shutdown), ALLOW(socketpair), ALLOW(sendmsg), ALLOW(recvmsg), ALLOW(recvfrom), ALLOW(sendto),
    ALLOW(getsockname), ALLOW(epoll_create1), ALLOW(epoll_ctl), ALLOW(epoll_pwait),
#ifdef SYS_epoll_wait
    ALLOW(epoll_wait),
#endif
    ALLOW(clone), ALLOW(clone3),
#ifdef SYS_vfork
    ALLOW(vfork),
#endif
    ALLOW(wait4), ALLOW(futex), ALLOW(madvise), ALLOW(rt_sigaction), ALLOW(rt_sigprocmask), ALLOW(lseek),
#ifdef SYS_readlink
    ALLOW(readlink),
#endif
    ALLOW(readlinkat),  // the loader, where a name has a $LIB; one or the other by the version of glibc
    // fdopen asks for the mode, and nothing else.
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_fcntl, 0, 4), LOAD(args[1]),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, F_GETFL, 0, 1), ANSWER(SECCOMP_RET_ALLOW),
    ANSWER(SECCOMP_RET_KILL_PROCESS), ALLOW(exit_group), ALLOW(exit), ANSWER(SECCOMP_RET_KILL_PROCESS)};

#define PROGRAM(filter) \
  { sizeof(filter) / sizeof(filter)[0], (struct sock_filter*)(filter) }

// Container engines install theirs with CAP_SYS_ADMIN.
static int keep_privileges;

// 0, or -1 with errno. Through prctl, or where all threads are meant through seccomp(2).
static inline int install(struct sock_fprog program, int all_threads) {
  if (!keep_privileges && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -1;
  if (!all_threads) return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0);
  return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program);
}

static inline int install_named(const char* name, int all_threads) {
  const struct sock_fprog strict = PROGRAM(strict_filter);
  const struct sock_fprog service = PROGRAM(service_filter);
  const struct sock_fprog docker = PROGRAM(docker_filter);
  const struct sock_fprog options = PROGRAM(options_filter);
  const struct sock_fprog launcher = PROGRAM(launcher_filter);
  if (name[0] == 'o') return install(options, all_threads);
  if (name[0] == 'l') return install(launcher, all_threads);
  return install(name[0] == 's' && name[1] == 't' ? strict : name[0] == 's' ? service : docker, all_threads);
}
