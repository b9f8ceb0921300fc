import com.sun.net.httpserver.HttpServer;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;

/** java.net.http and the JDK's own server: keep-alive on both sides, then the server stops. */
public final class JavaNetHttp {
  public static void main(String[] arguments) throws Exception {
    HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 16);
    server.createContext("/", exchange -> {
      exchange.sendResponseHeaders(200, 2);
      try (OutputStream body = exchange.getResponseBody()) {
        body.write(new byte[] {'h', 'i'});
      }
    });
    server.start();
    HttpClient client = HttpClient.newHttpClient();
    URI uri = URI.create("http://127.0.0.1:" + server.getAddress().getPort() + "/");
    for (int i = 0; i < 10; i++) {
      String body = client.send(HttpRequest.newBuilder(uri).build(), HttpResponse.BodyHandlers.ofString()).body();
      if (!body.equals("hi")) System.exit(1);
    }
    server.stop(0);
    Corpus.outliveGrace();
    Corpus.done();
    System.exit(0);
  }
}
