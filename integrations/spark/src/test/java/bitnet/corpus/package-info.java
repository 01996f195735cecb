@NullMarked
package bitnet.corpus;

import org.jspecify.annotations.NullMarked;
