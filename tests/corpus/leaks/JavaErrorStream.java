import java.io.IOException;
import java.net.HttpURLConnection;
import java.net.ServerSocket;
import java.net.URL;
import java.util.ArrayList;
import java.util.List;

/** HttpURLConnection: the error stream of an answer 500 is neither read nor closed. */
final class JavaErrorStream {
  private JavaErrorStream() {}

  static HttpURLConnection ask(int port) throws IOException {
    HttpURLConnection connection = (HttpURLConnection) new URL("http://127.0.0.1:" + port + "/").openConnection();
    if (connection.getResponseCode() != 500) throw new IOException("500"); // LEAK-OPEN
    return connection;
  }

  public static void main(String[] arguments) throws Exception {
    List<HttpURLConnection> kept = new ArrayList<>();
    try (ServerSocket listener = Corpus.listen()) {
      Thread server = new Thread(() -> {
        try {
          for (var open : Corpus.answer(listener, 3, "HTTP/1.1 500 No\r\nContent-Length: 20000\r\n\r\n" + "x".repeat(20000))) open.close();
        } catch (IOException error) {
          error.printStackTrace();
        }
      });
      server.start();
      for (int i = 0; i < 3; i++) kept.add(ask(listener.getLocalPort()));
      server.join();
      Corpus.outliveGrace();
    }
    if (kept.size() == 3) Corpus.done();
    Runtime.getRuntime().halt(0);
  }
}
