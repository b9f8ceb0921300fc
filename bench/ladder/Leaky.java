import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Vector;
import java.util.concurrent.Executors;

/** A server whose answers are right and whose handler forgets a connection each time: Leaky BACKEND_PORT. */
public class Leaky {
  private static final List<Socket> FORGOTTEN = new Vector<>();

  private static void askBackend(int port) throws IOException {
    Socket connection = new Socket(InetAddress.getLoopbackAddress(), port);
    while (connection.getInputStream().read() >= 0) {
    }
    FORGOTTEN.add(connection);
  }

  public static void main(String[] arguments) throws IOException {
    int backend = Integer.parseInt(arguments[0]);
    HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 128);
    server.setExecutor(Executors.newFixedThreadPool(8));
    server.createContext("/", exchange -> {
      String path = exchange.getRequestURI().getPath();
      if (path.startsWith("/leak")) askBackend(backend);
      byte[] body = path.getBytes(StandardCharsets.US_ASCII);
      exchange.sendResponseHeaders(200, body.length);
      try (OutputStream out = exchange.getResponseBody()) {
        out.write(body);
      }
    });
    server.start();
    System.out.println(server.getAddress().getPort());
  }
}
