/// Evaluation and training on Apache Spark: the `bitnet spark` commands, and what
/// runs on executors.
@NullMarked
package bitnet.spark;

import org.jspecify.annotations.NullMarked;
