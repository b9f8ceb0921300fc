import java.io.File;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;

/** Reads 20 connections to their end and forgets them, then makes the collector come until they are closed. */
public final class Dropped {
  private static final int CLIENTS = 20;

  private static int descriptors() {
    String[] all = new File("/proc/self/fd").list();
    return all == null ? 0 : all.length;
  }

  private static Socket serve(ServerSocket server) throws IOException {
    new Socket(server.getInetAddress(), server.getLocalPort()).close();
    Socket connection = server.accept();
    if (connection.getInputStream().read() != -1) System.exit(1);
    return connection;
  }

  public static void main(String[] arguments) throws Exception {
    try (ServerSocket server = new ServerSocket(0, 10, InetAddress.getLoopbackAddress())) {
      serve(server).close(); // what the JDK needs for itself is open now
      int before = descriptors();
      for (int i = 0; i < CLIENTS; i++) serve(server);
      while (descriptors() > before) {
        System.gc();
        Thread.sleep(10);
      }
    }
    System.out.println("done");
    System.out.flush();
  }
}
