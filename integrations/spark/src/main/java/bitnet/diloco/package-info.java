/// DiLoCo: several workers train for many steps each on their part of a text, then an outer step
/// joins what they learned. Nothing here knows Spark.
@NullMarked
package bitnet.diloco;

import org.jspecify.annotations.NullMarked;
