import java.io.IOException;
import java.io.InputStream;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URL;
import java.util.ArrayList;
import java.util.List;

/** HttpURLConnection: the stream of the answer is opened, read a little, and never closed (stagemonitor#78). */
public final class JavaUrlStream {
  private static final int ANSWERS = 3;

  private static void serve(ServerSocket listener) {
    try {
      String answer = "HTTP/1.1 200 OK\r\nContent-Length: 50000\r\n\r\n" + "x".repeat(50000);
      for (int i = 0; i < ANSWERS; i++) {
        for (Socket each : Corpus.answer(listener, 1, answer)) each.close();
      }
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  public static void main(String[] arguments) throws Exception {
    ServerSocket listener = Corpus.listen();
    new Thread(() -> serve(listener)).start();
    List<InputStream> kept = new ArrayList<>();
    for (int i = 0; i < ANSWERS; i++) {
      URL url = new URL("http://127.0.0.1:" + listener.getLocalPort() + "/");
      InputStream stream = url.openConnection(java.net.Proxy.NO_PROXY).getInputStream();  // LEAK-OPEN
      if (stream.read() != 'x') System.exit(1);
      kept.add(stream);
    }
    Corpus.outliveGrace();
    if (kept.size() == ANSWERS) Corpus.done();
  }
}
