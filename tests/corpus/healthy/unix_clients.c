// UNIX clients as in X11, D-Bus, syslog and nscd: pathname and abstract, kept for the life of the program, or
// for one question; SEQPACKET beside STREAM.
#include <sys/stat.h>
#include <syslog.h>

#include "corpus.h"

static int at_name(int type, const char* name, bool listens) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strncpy(address.sun_path + (name[0] == '@'), name + (name[0] == '@'), sizeof address.sun_path - 2);
  const socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
  const int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
  if (listens) {
    require(bind(fd, (struct sockaddr*)&address, size) == 0 && listen(fd, 16) == 0, name);
  } else {
    require(connect(fd, (struct sockaddr*)&address, size) == 0, name);
  }
  return fd;
}

int main(void) {
  char path[100], abstract[100];
  const char* folder = getenv("TMPDIR");
  snprintf(path, sizeof path, "%s/s.%d", folder == NULL ? "/tmp" : folder, getpid());
  snprintf(abstract, sizeof abstract, "@corpus.%d", getpid());
  const int display = at_name(SOCK_STREAM, path, true), bus = at_name(SOCK_SEQPACKET, abstract, true);
  openlog("corpus", LOG_NDELAY, LOG_USER);
  syslog(LOG_DEBUG, "nothing");
  int windows[3], served[3];
  for (int i = 0; i < 3; i++) {
    windows[i] = at_name(SOCK_STREAM, path, false);
    served[i] = taken(display);
    const int question = at_name(SOCK_SEQPACKET, abstract, false), answer = taken(bus);
    say(question, "who");
    expect(answer, "who");
    say(answer, "me");
    close(answer);
    expect(question, "me");
    close(question);
  }
  outlive_grace();
  for (int i = 0; i < 3; i++) {
    close(served[i]);
    read_to_end(windows[i]);
    close(windows[i]);
  }
  closelog();
  unlink(path);
  close(display);
  close(bus);
  return done();
}
