import java.io.InputStream;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.FutureTask;

/** java.net.http: the body of the answer is taken as a stream, and neither read nor closed. */
public final class JavaNetHttpStream {
  private static final int CONNECTIONS = 3;

  public static void main(String[] arguments) throws Exception {
    ServerSocket listener = Corpus.listen();
    String answer = "HTTP/1.1 200 OK\r\nContent-Length: 120000\r\n\r\n" + "x".repeat(120000);
    FutureTask<List<Socket>> server = new FutureTask<>(() -> Corpus.answer(listener, CONNECTIONS, answer));
    new Thread(server).start();
    HttpClient client = HttpClient.newHttpClient();
    URI uri = URI.create("http://127.0.0.1:" + listener.getLocalPort() + "/");
    List<HttpResponse<InputStream>> responses = new ArrayList<>();
    for (int i = 0; i < CONNECTIONS; i++) {
      HttpRequest request = HttpRequest.newBuilder(uri).build();
      responses.add(client.send(request, HttpResponse.BodyHandlers.ofInputStream()));
    }
    for (Socket connection : server.get()) connection.close();
    Corpus.outliveGrace();
    if (responses.get(0).statusCode() == 200) Corpus.done();
    System.exit(0);
  }
}
