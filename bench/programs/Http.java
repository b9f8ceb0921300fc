import com.sun.net.httpserver.HttpServer;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.Executors;

/** An HTTP server of the JDK that answers everything with one sentence; says "port N". */
class Http {
  public static void main(String[] arguments) throws Exception {
    var server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 1024);
    var sentence = "The quick brown fox jumps over the lazy dog.\n".getBytes(StandardCharsets.UTF_8);
    server.setExecutor(Executors.newFixedThreadPool(4));
    server.createContext("/", exchange -> {
      exchange.sendResponseHeaders(200, sentence.length);
      try (var body = exchange.getResponseBody()) {
        body.write(sentence);
      }
    });
    server.start();
    System.out.println("port " + server.getAddress().getPort());
  }
}
