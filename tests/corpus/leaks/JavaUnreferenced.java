import java.net.ServerSocket;
import java.net.Socket;

/** Sockets read to their end and dropped: only the collector may close them, one day. */
public final class JavaUnreferenced {
  private static final int LEAKS = 5;

  private static void read(Socket connection) throws java.io.IOException {
    while (connection.getInputStream().read() != -1) continue;  // LEAK-SEEN
  }

  public static void main(String[] arguments) throws Exception {
    ServerSocket listener = Corpus.listen();
    for (int i = 0; i < LEAKS; i++) {
      Corpus.visit(listener, "hello");
      read(listener.accept());  // LEAK-OPEN
    }
    Corpus.outliveGrace();
    Corpus.done();
  }
}
