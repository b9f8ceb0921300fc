import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** com.sun.net.httpserver: a handler reads the request and never answers nor closes the exchange. */
public final class JavaHttpServerExchange {
  private static final int LEAKS = 4;
  private static final List<HttpExchange> kept = Collections.synchronizedList(new ArrayList<>());
  private static final CountDownLatch handled = new CountDownLatch(LEAKS);

  private static void handle(HttpExchange exchange) {
    kept.add(exchange);
    handled.countDown();
  }

  public static void main(String[] arguments) throws Exception {
    HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 16);
    ExecutorService pool = Executors.newFixedThreadPool(2);
    server.setExecutor(pool);
    server.createContext("/", JavaHttpServerExchange::handle);
    server.start();
    byte[] request = "GET / HTTP/1.1\r\nHost: here\r\n\r\n".getBytes(StandardCharsets.US_ASCII);
    List<Socket> clients = new ArrayList<>();
    for (int i = 0; i < LEAKS; i++) {
      Socket client = new Socket(InetAddress.getLoopbackAddress(), server.getAddress().getPort());
      client.getOutputStream().write(request);
      clients.add(client);
    }
    handled.await();
    for (Socket client : clients) client.close();
    Corpus.outliveGrace();
    Corpus.done();
    System.exit(0);
  }
}
