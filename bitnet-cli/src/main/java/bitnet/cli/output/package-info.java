/// What commands print: progress, tables, pages, errors, exit codes.
@NullMarked
package bitnet.cli.output;

import org.jspecify.annotations.NullMarked;
