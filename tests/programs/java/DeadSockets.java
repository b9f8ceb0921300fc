import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;

/** Reads 3 connections to their end and keeps them. Says "ready" and ends with its input. */
public final class DeadSockets {
  public static void main(String[] arguments) throws IOException {
    List<Socket> kept = new ArrayList<>();
    try (ServerSocket server = new ServerSocket(0, 10, InetAddress.getLoopbackAddress())) {
      for (int i = 0; i < 3; i++) {
        new Socket(server.getInetAddress(), server.getLocalPort()).close();
        Socket accepted = server.accept();
        if (accepted.getInputStream().read() != -1) System.exit(1);
        kept.add(accepted);
      }
      System.out.println("ready");
      System.out.flush();
      while (System.in.read() != -1) {}
    }
    if (kept.size() != 3) System.exit(1);
  }
}
