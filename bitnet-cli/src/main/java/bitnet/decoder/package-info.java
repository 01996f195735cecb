/// Parquet and Zstandard as text, for [bitnet.storage.TextInput] to find.
@NullMarked
package bitnet.decoder;

import org.jspecify.annotations.NullMarked;
