import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/**
 * A server with a thread pool that reads each client to its end. Of 400 it closes every fourth and keeps the rest:
 * enough for the methods to be compiled on the way. Half of the ends are waited for. "fixed": all are closed.
 */
public final class BlockingLeak {
  private static final int CLIENTS = 400;
  private static final List<Socket> kept = Collections.synchronizedList(new ArrayList<>());

  static final class Reader {
    static boolean drain(Socket connection) throws IOException {
      InputStream in = connection.getInputStream();
      int first = in.read();
      while (in.read() != -1) continue;
      return first == 'q';
    }
  }

  private static void handle(Socket connection, boolean fixed) {
    try {
      if (Reader.drain(connection) || fixed) connection.close();
      else kept.add(connection);
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  private static Socket next(ServerSocket server) throws IOException {
    return server.accept();
  }

  public static void main(String[] arguments) throws Exception {
    boolean fixed = arguments.length > 0 && arguments[0].equals("fixed");
    ExecutorService pool = workers(arguments.length > 0 && arguments[0].equals("virtual"));
    try (ServerSocket server = new ServerSocket(0, 10, InetAddress.getLoopbackAddress())) {
      for (int i = 0; i < CLIENTS; i++) {
        Socket client = new Socket(server.getInetAddress(), server.getLocalPort());
        client.getOutputStream().write(i % 4 == 0 ? 'q' : 'x');
        if (i % 2 == 0) client.close();
        Socket connection = next(server);
        pool.execute(() -> handle(connection, fixed));
        client.close();
      }
    }
    pool.shutdown();
    if (!pool.awaitTermination(60, TimeUnit.SECONDS)) System.exit(1);
    System.out.println("done");
    System.out.flush();
    if (kept.size() != (fixed ? 0 : CLIENTS - CLIENTS / 4)) System.exit(1);
  }

  private static ExecutorService workers(boolean virtual) throws ReflectiveOperationException {
    if (!virtual) return Executors.newFixedThreadPool(2);
    // Since Java 21.
    return (ExecutorService) Executors.class.getMethod("newVirtualThreadPerTaskExecutor").invoke(null);
  }
}
