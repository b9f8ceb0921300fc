import java.net.ServerSocket;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.FutureTask;
import org.apache.http.client.methods.CloseableHttpResponse;
import org.apache.http.client.methods.HttpGet;
import org.apache.http.impl.client.CloseableHttpClient;
import org.apache.http.impl.client.HttpClients;

/** Apache HttpClient: the status is looked at, the entity neither consumed nor closed. */
public final class JavaHttpClientEntity {
  private static final int CONNECTIONS = 2;

  public static void main(String[] arguments) throws Exception {
    ServerSocket listener = Corpus.listen();
    String answer = "HTTP/1.1 500 Oops\r\nContent-Length: 60000\r\n\r\n" + "x".repeat(60000);
    FutureTask<List<Socket>> server = new FutureTask<>(() -> Corpus.answer(listener, CONNECTIONS, answer));
    new Thread(server).start();
    CloseableHttpClient client = HttpClients.createDefault();
    List<CloseableHttpResponse> responses = new ArrayList<>();
    String url = "http://127.0.0.1:" + listener.getLocalPort() + "/";
    for (int i = 0; i < CONNECTIONS; i++) responses.add(client.execute(new HttpGet(url)));  // LEAK-OPEN
    for (Socket connection : server.get()) connection.close();
    Corpus.outliveGrace();
    if (responses.get(0).getStatusLine().getStatusCode() == 500) Corpus.done();
  }
}
