import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/** As of a JDBC pool: the validation finds a dead connection, and drops it without closing. */
final class JavaBrokenPool {
  private final Deque<Socket> idle = new ArrayDeque<>();
  private final List<Socket> statistics = new ArrayList<>();

  static Socket connect(int port) throws IOException {
    return new Socket(InetAddress.getLoopbackAddress(), port); // LEAK-OPEN
  }

  boolean isValid(Socket connection) {
    try {
      connection.getOutputStream().write('?');
      return connection.getInputStream().read() == '!'; // LEAK-SEEN
    } catch (IOException error) {
      return false;
    }
  }

  Socket borrow(int port) throws IOException {
    while (!idle.isEmpty()) {
      Socket connection = idle.pop();
      if (isValid(connection)) return connection;
      statistics.add(connection);
    }
    return connect(port);
  }

  public static void main(String[] arguments) throws Exception {
    JavaBrokenPool pool = new JavaBrokenPool();
    try (ServerSocket listener = Corpus.listen()) {
      for (int i = 0; i < 6; i++) {
        Socket connection = pool.borrow(listener.getLocalPort());
        try (Socket server = listener.accept()) {
          server.shutdownOutput();
          pool.idle.push(connection);
          pool.isValid(connection);
        }
      }
      Corpus.outliveGrace();
      for (Socket each : pool.idle) each.close();
    }
    Corpus.done();
    Runtime.getRuntime().halt(0);
  }
}
