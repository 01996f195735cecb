/// Jinja templates as Python's jinja2 renders them, for chat templates.
@NullMarked
package bitnet.tokenizer.jinja;

import org.jspecify.annotations.NullMarked;
