/// Values of settings: their names and their ranges.
@NullMarked
package bitnet.setting;

import org.jspecify.annotations.NullMarked;
