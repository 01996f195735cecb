/// What a run reports: metrics by step in CSV and TensorBoard files, and one line for people.
@NullMarked
package bitnet.metrics;

import org.jspecify.annotations.NullMarked;
