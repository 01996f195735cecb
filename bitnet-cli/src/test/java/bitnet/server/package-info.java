@NullMarked
package bitnet.server;

import org.jspecify.annotations.NullMarked;
