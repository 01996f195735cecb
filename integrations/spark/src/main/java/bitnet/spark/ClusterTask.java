package bitnet.spark;

import java.io.IOException;
import java.io.Serializable;

/// Work for an executor. Spark may run it several times, on several executors: the result depends
/// on nothing but its fields and the files that they name.
///
/// @param <R> the result
interface ClusterTask<R extends Serializable> extends Serializable {

  /// Does the work.
  ///
  /// @throws TaskRefusal if it cannot be done, however often it is tried
  /// @throws IOException if it may be done by another attempt
  R run() throws IOException;
}
