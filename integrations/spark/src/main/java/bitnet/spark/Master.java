package bitnet.spark;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Where the tasks run, in Spark's notation: `local[2]`, `spark://HOST:7077`, `yarn`, `k8s://URL`.
///
/// @param url as Spark reads it
record Master(String url) {
  private static final String FORMS =
      "use local[2], spark://HOST:7077, yarn or k8s://https://HOST:PORT";
  private static final Pattern LOCAL = Pattern.compile("local(\\[(\\d+|\\*)(,\\s*\\d+)?])?");
  private static final Pattern LOCAL_CLUSTER = Pattern.compile("local-cluster\\[\\d+,\\d+,(\\d+)]");
  private static final Pattern STANDALONE = Pattern.compile("spark://([^:/,]+):(\\d{1,5})");
  private static final Pattern ELSEWHERE = Pattern.compile("yarn|k8s://.+");
  private static final int CONNECT_MILLIS = 5000;

  /// Checks the form.
  ///
  /// @throws IllegalArgumentException if it is none of Spark's
  Master {
    boolean known =
        LOCAL.matcher(url).matches()
            || LOCAL_CLUSTER.matcher(url).matches()
            || STANDALONE.matcher(url).matches()
            || ELSEWHERE.matcher(url).matches();
    if (!known) {
      throw new IllegalArgumentException(
          "--master %s is not the address of a Spark master; %s".formatted(url, FORMS));
    }
  }

  /// Whether tasks run in this JVM.
  boolean isThisJvm() {
    return LOCAL.matcher(url).matches();
  }

  /// Whether all processes run on this machine.
  boolean isThisMachine() {
    return isThisJvm() || LOCAL_CLUSTER.matcher(url).matches();
  }

  /// The megabytes of a worker that `local-cluster` names; "" for all others.
  String workerMegabytes() {
    Matcher cluster = LOCAL_CLUSTER.matcher(url);
    return cluster.matches() ? cluster.group(1) : "";
  }

  /// Looks whether somebody listens there: Spark tries for a minute and says less.
  ///
  /// @throws IOException if nobody does
  void requireReachable() throws IOException {
    Matcher standalone = STANDALONE.matcher(url);
    if (!standalone.matches()) {
      return;
    }
    String host = standalone.group(1);
    int port = Integer.parseInt(standalone.group(2));
    try (Socket socket = new Socket()) {
      socket.connect(new InetSocketAddress(host, port), CONNECT_MILLIS);
    } catch (IOException | IllegalArgumentException failure) {
      throw new IOException(
          "no Spark master answers at %s (%s); start one, or name another with --master"
              .formatted(url, failure.getMessage()),
          failure);
    }
  }
}
