@NullMarked
package bitnet.diloco;

import org.jspecify.annotations.NullMarked;
