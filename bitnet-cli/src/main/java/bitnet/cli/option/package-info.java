/// Groups of options that commands share, their spelling, and configuration files.
@NullMarked
package bitnet.cli.option;

import org.jspecify.annotations.NullMarked;
