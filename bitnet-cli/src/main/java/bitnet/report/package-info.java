/// Pages that show what a run logged; each is one file that needs no other.
@NullMarked
package bitnet.report;

import org.jspecify.annotations.NullMarked;
