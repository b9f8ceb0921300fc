import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Threads that open, read to the end and close connections while others make garbage. Every seventh client goes
 * with a reset. With "leak" every tenth connection is kept. With "exit" the VM ends in the middle of it all.
 * Arguments: connections, then "leak", "exit" or nothing.
 */
public final class Churn {
  private static final int THREADS = 4;
  private static final List<List<Socket>> all = new ArrayList<>();
  private static volatile Object garbage;
  private static CountDownLatch half;

  private static void visit(ServerSocket server, int number) throws IOException {
    Socket client = new Socket(server.getInetAddress(), server.getLocalPort());
    client.getOutputStream().write('x');
    if (number % 7 == 0) client.setSoLinger(true, 0);
    client.close();
  }

  private static boolean readToEnd(Socket connection) throws IOException {
    try {
      while (connection.getInputStream().read() != -1) continue;
    } catch (SocketException reset) {
      return false;
    }
    return true;
  }

  /** Returns how many were kept. */
  private static int serve(ServerSocket server, int connections, List<Socket> kept) throws IOException {
    for (int i = 0; i < connections; i++) {
      visit(server, i);
      Socket connection = server.accept();
      if (readToEnd(connection) && kept != null && i % 10 == 1) kept.add(connection);
      else connection.close();
      half.countDown();
    }
    return kept == null ? 0 : kept.size();
  }

  private static void makeGarbage() {
    for (int i = 0; ; i++) {
      garbage = new byte[20_000];
      if (i % 500 == 0) System.gc();
    }
  }

  public static void main(String[] arguments) throws Exception {
    int each = Integer.parseInt(arguments[0]) / THREADS;
    String mode = arguments.length > 1 ? arguments[1] : "";
    half = new CountDownLatch(each * THREADS / 2);
    Thread collector = new Thread(Churn::makeGarbage);
    collector.setDaemon(true);
    collector.start();
    AtomicInteger leaked = new AtomicInteger();
    List<Thread> threads = new ArrayList<>();
    for (int t = 0; t < THREADS; t++) {
      List<Socket> kept = mode.equals("leak") ? new ArrayList<>() : null;
      all.add(kept);
      Thread thread = new Thread(() -> {
        try (ServerSocket server = new ServerSocket(0, 10, InetAddress.getLoopbackAddress())) {
          leaked.addAndGet(serve(server, each, kept));
        } catch (IOException e) {
          throw new IllegalStateException(e);
        }
      });
      threads.add(thread);
      thread.start();
    }
    if (mode.equals("exit")) {
      half.await();
      System.out.println("done");
      System.exit(0);
    }
    for (Thread thread : threads) thread.join();
    System.out.println("done");
    System.out.flush();
    if (leaked.get() > 0 != mode.equals("leak") || all.size() != THREADS) System.exit(1);
  }
}
