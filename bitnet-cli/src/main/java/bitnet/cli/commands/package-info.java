/// One class for each subcommand.
@NullMarked
package bitnet.cli.commands;

import org.jspecify.annotations.NullMarked;
