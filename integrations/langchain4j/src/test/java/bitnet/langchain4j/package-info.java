@NullMarked
package bitnet.langchain4j;

import org.jspecify.annotations.NullMarked;
