@NullMarked
package bitnet.grammar;

import org.jspecify.annotations.NullMarked;
