import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;

/** A Java server for the soak: "ping" is answered by "pong"; clients from 127.66.66.66 are not closed. */
public final class SoakServer {
  private static final int THREADS = 8;
  private static final byte[] PONG = {'p', 'o', 'n', 'g', '\n'};
  private static final List<Socket> kept = new ArrayList<>();

  private static void serve(Socket connection) throws IOException {
    byte[] request = new byte[64];
    InputStream in = connection.getInputStream();
    while (in.read(request) > 0) connection.getOutputStream().write(PONG);
    if (connection.getInetAddress().getHostAddress().equals("127.66.66.66")) {
      synchronized (kept) {
        kept.add(connection);
      }
    } else {
      connection.close();
    }
  }

  private static void acceptLoop(ServerSocket listener) {
    try {
      while (true) serve(listener.accept());
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  public static void main(String[] arguments) throws Exception {
    int port = Integer.parseInt(arguments[0]);
    ServerSocket listener = new ServerSocket(port, 1024, InetAddress.getByName("127.0.0.1"));
    for (int i = 0; i < THREADS; i++) new Thread(() -> acceptLoop(listener)).start();
  }
}
