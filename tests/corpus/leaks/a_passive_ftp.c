// Active FTP: for each transfer the client listens, the server dials back, and the data socket stays behind.
#include "corpus.h"

enum { kLeaks = 4 };

NAMED static int wait_for_server(int data_listener) {
  return accept(data_listener, NULL, NULL);  // LEAK-OPEN
}

NAMED static void receive_file(int data) {
  char block[1024];
  while (read(data, block, sizeof block) > 0) continue;  // LEAK-SEEN
}

int main(void) {
  const int control_listener = listen_at(AF_INET);
  const int control = dialled(control_listener);
  const int server = taken(control_listener);
  for (int i = 0; i < kLeaks; i++) {
    const int data_listener = listen_with_backlog(AF_INET, 1);
    say(control, "RETR file\r\n");
    expect(server, "RETR file\r\n");
    visit(data_listener, "contents of the file");
    const int data = wait_for_server(data_listener);
    close(data_listener);
    receive_file(data);
    say(server, "226\r\n");
    expect(control, "226\r\n");
  }
  outlive_grace();
  return done();
}
