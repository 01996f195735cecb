package bitnet.spark;

import java.io.IOException;
import java.io.Serializable;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import org.apache.spark.api.java.JavaPairRDD;
import scala.Tuple2;

/// Connected components of keys by large-star and small-star (Kiveris et al. 2014): in a few rounds
/// every key points to the smallest one of its component. An edge is a larger key with a smaller
/// one behind it.
///
/// @param keyBytes the length of a key
/// @param tasks of a round
record KeyComponents(int keyBytes, int tasks) implements Serializable {

  /// Points every key to the smallest one of its component.
  ///
  /// @param edges between keys, larger ones first
  /// @return an edge from every key that is not the smallest one to that
  JavaPairRDD<byte[], byte[]> stars(Cluster cluster, JavaPairRDD<byte[], byte[]> edges)
      throws IOException {
    JavaPairRDD<byte[], byte[]> current = edges;
    Fingerprint before = fingerprint(cluster, current);
    while (true) {
      JavaPairRDD<byte[], byte[]> large =
          grouped(current.mapPartitionsToPair(this::bothWays)).mapPartitionsToPair(this::largeStar);
      JavaPairRDD<byte[], byte[]> next = grouped(large).mapPartitionsToPair(this::smallStar);
      Fingerprint after = fingerprint(cluster, next);
      if (after.equals(before)) {
        return next;
      }
      current = next;
      before = after;
    }
  }

  /// Tells sets of edges apart, whatever their order.
  private record Fingerprint(long edges, long sum) implements Serializable {

    Fingerprint plus(Fingerprint more) {
      return new Fingerprint(edges + more.edges, sum + more.sum);
    }
  }

  private static Fingerprint fingerprint(Cluster cluster, JavaPairRDD<byte[], byte[]> edges)
      throws IOException {
    return cluster.collect(edges.mapPartitions(KeyComponents::fingerprint)).stream()
        .reduce(new Fingerprint(0, 0), Fingerprint::plus);
  }

  private static Iterator<Fingerprint> fingerprint(Iterator<Tuple2<byte[], byte[]>> edges) {
    Fingerprint sum = new Fingerprint(0, 0);
    while (edges.hasNext()) {
      sum = sum.plus(new Fingerprint(1, KeyOrder.hash(edges.next()._1())));
    }
    return List.of(sum).iterator();
  }

  private JavaPairRDD<byte[], byte[]> grouped(JavaPairRDD<byte[], byte[]> edges) {
    return edges.repartitionAndSortWithinPartitions(
        new KeyGroups(keyBytes, tasks), KeyOrder.UNSIGNED);
  }

  private byte[] first(byte[] edge) {
    return Arrays.copyOf(edge, keyBytes);
  }

  private byte[] second(byte[] edge) {
    return Arrays.copyOfRange(edge, keyBytes, 2 * keyBytes);
  }

  private static Tuple2<byte[], byte[]> edge(byte[] larger, byte[] smaller) {
    return new Tuple2<>(KeyOrder.joined(larger, smaller), new byte[0]);
  }

  private Iterator<Tuple2<byte[], byte[]>> bothWays(Iterator<Tuple2<byte[], byte[]>> edges) {
    return new Expanded<>(
        edges,
        (edge, sink) -> {
          sink.accept(edge);
          sink.accept(edge(second(edge._1()), first(edge._1())));
        });
  }

  /// Points the larger neighbours of a key to the smallest of its neighbours and itself.
  private Iterator<Tuple2<byte[], byte[]>> largeStar(Iterator<Tuple2<byte[], byte[]>> sorted) {
    Group group = new Group();
    return new Expanded<>(
        sorted,
        (edge, sink) -> {
          byte[] key = first(edge._1());
          byte[] neighbour = second(edge._1());
          boolean begins = group.enter(key, neighbour);
          byte[] least = min(key, group.least);
          if (group.isNew(neighbour, begins)
              && KeyOrder.UNSIGNED.compare(neighbour, key) > 0
              && !Arrays.equals(neighbour, least)) {
            sink.accept(edge(neighbour, least));
          }
        });
  }

  /// Points a key and its smaller neighbours to the smallest of these.
  private Iterator<Tuple2<byte[], byte[]>> smallStar(Iterator<Tuple2<byte[], byte[]>> sorted) {
    Group group = new Group();
    return new Expanded<>(
        sorted,
        (edge, sink) -> {
          byte[] key = first(edge._1());
          byte[] neighbour = second(edge._1());
          boolean begins = group.enter(key, neighbour);
          if (begins) {
            sink.accept(edge(key, neighbour));
          } else if (group.isNew(neighbour, false)) {
            sink.accept(edge(neighbour, group.least));
          }
        });
  }

  private static byte[] min(byte[] one, byte[] other) {
    return KeyOrder.UNSIGNED.compare(one, other) < 0 ? one : other;
  }

  /// The edges of a key, sorted: the first neighbour is the smallest one.
  private static final class Group {
    private byte[] key = {};
    private byte[] least = {};
    private byte[] last = {};

    /// Goes to an edge.
    ///
    /// @return whether it is the first one of a key
    boolean enter(byte[] next, byte[] neighbour) {
      if (Arrays.equals(key, next)) {
        return false;
      }
      key = next;
      least = neighbour;
      last = new byte[0];
      return true;
    }

    /// Whether an edge is not a repetition of the one before.
    boolean isNew(byte[] neighbour, boolean begins) {
      boolean repeated = !begins && Arrays.equals(last.length == 0 ? least : last, neighbour);
      last = neighbour;
      return !repeated;
    }
  }
}
