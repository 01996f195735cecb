/// Chat models of LangChain4j over a [bitnet.generation.ChatEngine] in the same JVM.
@NullMarked
package bitnet.langchain4j;

import org.jspecify.annotations.NullMarked;
