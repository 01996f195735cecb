/// What this machine has: processor features and memory.
@NullMarked
package bitnet.device;

import org.jspecify.annotations.NullMarked;
