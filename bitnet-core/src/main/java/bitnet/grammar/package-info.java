/// Which tokens may follow so that a text has a given form: JSON schemas as automata over bytes.
@NullMarked
package bitnet.grammar;

import org.jspecify.annotations.NullMarked;
