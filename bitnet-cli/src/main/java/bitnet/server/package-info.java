/// An OpenAI-compatible HTTP server over a [bitnet.generation.BatchedModel].
@NullMarked
package bitnet.server;

import org.jspecify.annotations.NullMarked;
