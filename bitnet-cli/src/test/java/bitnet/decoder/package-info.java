@NullMarked
package bitnet.decoder;

import org.jspecify.annotations.NullMarked;
