import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** What the Java programs of the corpus share: see corpus.h. */
final class Corpus {
  private Corpus() {}

  static void outliveGrace() throws InterruptedException {
    String grace = System.getenv("CORPUS_GRACE_MS");
    Thread.sleep(3 * (grace == null ? 300 : Long.parseLong(grace)) + 300);
  }

  static void done() {
    System.out.println("done");
    System.out.flush();
  }

  static ServerSocket listen() throws IOException {
    return new ServerSocket(0, 64, InetAddress.getLoopbackAddress());
  }

  /** A client that comes, says something and goes. */
  static void visit(ServerSocket listener, String text) throws IOException {
    try (Socket client = new Socket(InetAddress.getLoopbackAddress(), listener.getLocalPort())) {
      client.getOutputStream().write(text.getBytes(StandardCharsets.US_ASCII));
    }
  }

  /** Answers one request on each of so many connections and returns them, still open. */
  static List<Socket> answer(ServerSocket listener, int connections, String answer) throws IOException {
    List<Socket> open = new ArrayList<>();
    for (int i = 0; i < connections; i++) {
      Socket connection = listener.accept();
      InputStream in = connection.getInputStream();
      if (in.read(new byte[4096]) <= 0) throw new IOException("no request");
      OutputStream out = connection.getOutputStream();
      out.write(answer.getBytes(StandardCharsets.US_ASCII));
      out.flush();
      open.add(connection);
    }
    return open;
  }
}
