import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/**
 * A server whose exceptional path never closes the connection, and 20 clients that drive it: 12 of them hang up
 * without a word. Run it under socktrack from its source: java examples/LeakyServer.java. With "fixed" nothing leaks.
 */
public final class LeakyServer {
  private static final int CLIENTS = 20;
  private static final int RUDE = 12;

  private final boolean fixed;
  private final ExecutorService workers = Executors.newFixedThreadPool(2);

  private LeakyServer(boolean fixed) {
    this.fixed = fixed;
  }

  private static String readRequest(Socket client) throws IOException {
    String line = new BufferedReader(new InputStreamReader(client.getInputStream())).readLine();
    if (line == null) throw new IOException("no request");
    return line;
  }

  private void answer(Socket client) throws IOException {
    try {
      client.getOutputStream().write(readRequest(client).getBytes());
      client.close();
    } catch (IOException e) {
      if (fixed) client.close();
      throw e; // ... and the connection is forgotten
    }
  }

  private void accept(ServerSocket listener) throws IOException {
    Socket client = listener.accept();
    workers.submit(
        () -> {
          answer(client);
          return null;
        });
  }

  private static void visit(ServerSocket listener, boolean polite) throws IOException {
    try (Socket socket = new Socket(listener.getInetAddress(), listener.getLocalPort())) {
      if (!polite) return;
      socket.getOutputStream().write("hello\n".getBytes());
      if (socket.getInputStream().read() != 'h') throw new IOException("no answer");
    }
  }

  public static void main(String[] arguments) throws Exception {
    LeakyServer server = new LeakyServer(arguments.length > 0 && arguments[0].equals("fixed"));
    Thread clients;
    try (ServerSocket listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
      clients =
          new Thread(
              () -> {
                try {
                  for (int i = 0; i < CLIENTS; i++) visit(listener, i >= RUDE);
                } catch (IOException e) {
                  throw new IllegalStateException(e);
                }
              });
      clients.start();
      for (int i = 0; i < CLIENTS; i++) server.accept(listener);
      clients.join();
    }
    server.workers.shutdown();
    if (!server.workers.awaitTermination(60, TimeUnit.SECONDS)) System.exit(1);
    Thread.sleep(2500); // a real server goes on for weeks
    System.out.println("served " + CLIENTS + " clients");
  }
}
