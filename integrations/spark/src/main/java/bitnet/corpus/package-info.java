/// Documents of a corpus: their order, their duplicates, and the shards of tokens that are made of
/// them. Knows no Spark.
@NullMarked
package bitnet.corpus;

import org.jspecify.annotations.NullMarked;
