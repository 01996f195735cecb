@NullMarked
package bitnet.spark;

import org.jspecify.annotations.NullMarked;
