import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.List;

/** Channels opened and never connected (teku#11001). */
public final class JavaNeverConnected {
  private static final int LEAKS = 8;

  public static void main(String[] arguments) throws Exception {
    List<SocketChannel> kept = new ArrayList<>();
    for (int i = 0; i < LEAKS; i++) kept.add(SocketChannel.open());  // LEAK-OPEN
    Corpus.outliveGrace();
    if (kept.size() == LEAKS) Corpus.done();
  }
}
