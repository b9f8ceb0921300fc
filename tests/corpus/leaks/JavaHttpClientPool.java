import java.net.ServerSocket;
import java.net.Socket;
import java.util.List;
import java.util.concurrent.FutureTask;
import org.apache.http.client.methods.CloseableHttpResponse;
import org.apache.http.client.methods.HttpGet;
import org.apache.http.impl.client.CloseableHttpClient;
import org.apache.http.impl.client.HttpClients;
import org.apache.http.impl.conn.PoolingHttpClientConnectionManager;
import org.apache.http.util.EntityUtils;

/** Apache HttpClient: connections go back to the pool, the server closes them, no evictor runs (nexus#563). */
public final class JavaHttpClientPool {
  private static final int CONNECTIONS = 3;

  public static void main(String[] arguments) throws Exception {
    ServerSocket listener = Corpus.listen();
    String answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
    FutureTask<List<Socket>> server = new FutureTask<>(() -> Corpus.answer(listener, CONNECTIONS, answer));
    new Thread(server).start();
    PoolingHttpClientConnectionManager pool = new PoolingHttpClientConnectionManager();
    pool.setDefaultMaxPerRoute(CONNECTIONS);
    CloseableHttpClient client = HttpClients.custom().setConnectionManager(pool).build();
    CloseableHttpResponse[] responses = new CloseableHttpResponse[CONNECTIONS];
    String url = "http://127.0.0.1:" + listener.getLocalPort() + "/";
    for (int i = 0; i < CONNECTIONS; i++) responses[i] = client.execute(new HttpGet(url));  // LEAK-OPEN
    for (CloseableHttpResponse response : responses) EntityUtils.consume(response.getEntity());
    for (Socket connection : server.get()) connection.close();
    Corpus.outliveGrace();
    Corpus.done();
  }
}
