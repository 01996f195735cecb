@NullMarked
package bitnet.springai;

import org.jspecify.annotations.NullMarked;
