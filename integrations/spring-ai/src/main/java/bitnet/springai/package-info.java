/// A chat model of Spring AI over a [bitnet.generation.ChatEngine] in the same JVM.
@NullMarked
package bitnet.springai;

import org.jspecify.annotations.NullMarked;
