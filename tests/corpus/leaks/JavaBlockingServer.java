import java.io.IOException;
import java.io.InputStream;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/** A thread pool reads each client to its end; the task that fails does not close. */
public final class JavaBlockingServer {
  private static final int LEAKS = 5;
  private static final int HEALTHY = 3;
  private static final List<Socket> kept = new ArrayList<>();

  static void handle(Socket connection) {
    try {
      InputStream in = connection.getInputStream();
      int first = in.read();
      while (in.read() != -1) continue;  // LEAK-SEEN
      if (first == 'x') throw new IOException("bad request");
      connection.close();
    } catch (IOException e) {
      synchronized (kept) {
        kept.add(connection);
      }
    }
  }

  public static void main(String[] arguments) throws Exception {
    ServerSocket listener = Corpus.listen();
    ExecutorService pool = Executors.newFixedThreadPool(2);
    for (int i = 0; i < LEAKS + HEALTHY; i++) {
      Corpus.visit(listener, i < LEAKS ? "x-bad" : "ok");
      Socket connection = listener.accept();  // LEAK-OPEN
      pool.execute(() -> handle(connection));
    }
    pool.shutdown();
    if (!pool.awaitTermination(20, TimeUnit.SECONDS)) System.exit(1);
    Corpus.outliveGrace();
    Corpus.done();
  }
}
