package bitnet.spark;

import bitnet.corpus.MinHash;
import java.io.IOException;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import org.apache.spark.api.java.JavaPairRDD;
import scala.Tuple2;

/// Near duplicates among documents: those with a band of their signatures in common are compared,
/// those that are near are connected, and of everything that is connected the first document stays.
///
/// @param minHash of the texts
/// @param keyBytes the length of a key
/// @param tasks of a step
record NearDuplicates(MinHash minHash, int keyBytes, int tasks) implements Serializable {
  /// Documents of a band that all later ones are compared with: those that are near to none before.
  /// A bound, as a band may have very many documents.
  private static final int COMPARED = 32;

  /// Finds them.
  ///
  /// @param signatures by key
  /// @return the keys of all documents but the first of each component
  JavaPairRDD<byte[], byte[]> find(Cluster cluster, JavaPairRDD<byte[], byte[]> signatures)
      throws IOException {
    JavaPairRDD<byte[], byte[]> edges =
        signatures
            .mapPartitionsToPair(this::bands)
            .repartitionAndSortWithinPartitions(
                new KeyGroups(minHash.bandBytes(), tasks), KeyOrder.UNSIGNED)
            .mapPartitionsToPair(this::edges);
    return new KeyComponents(keyBytes, tasks)
        .stars(cluster, edges)
        .mapToPair(edge -> new Tuple2<>(Arrays.copyOf(edge._1(), keyBytes), new byte[0]));
  }

  private Iterator<Tuple2<byte[], byte[]>> bands(Iterator<Tuple2<byte[], byte[]>> signatures) {
    return new Expanded<>(
        signatures,
        (document, sink) -> {
          for (int band = 0; band < minHash.bands(); band++) {
            byte[] values = minHash.band(document._2(), band);
            sink.accept(new Tuple2<>(KeyOrder.joined(values, document._1()), document._2()));
          }
        });
  }

  private Iterator<Tuple2<byte[], byte[]>> edges(Iterator<Tuple2<byte[], byte[]>> sorted) {
    byte[][] band = {new byte[0]};
    List<Tuple2<byte[], byte[]>> compared = new ArrayList<>();
    return new Expanded<>(
        sorted,
        (entry, sink) -> {
          byte[] values = Arrays.copyOf(entry._1(), minHash.bandBytes());
          if (!Arrays.equals(values, band[0])) {
            band[0] = values;
            compared.clear();
          }
          byte[] key = Arrays.copyOfRange(entry._1(), values.length, entry._1().length);
          Optional<Tuple2<byte[], byte[]>> near =
              compared.stream().filter(other -> minHash.isNear(entry._2(), other._2())).findFirst();
          if (near.isPresent()) {
            sink.accept(new Tuple2<>(KeyOrder.joined(key, near.get()._1()), new byte[0]));
          } else if (compared.size() < COMPARED) {
            compared.add(new Tuple2<>(key, entry._2()));
          }
        });
  }
}
