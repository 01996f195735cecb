@NullMarked
package bitnet.report;

import org.jspecify.annotations.NullMarked;
