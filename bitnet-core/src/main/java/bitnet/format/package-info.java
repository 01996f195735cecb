/// What all file formats share: element types, tensor names and sizes, checked JSON, errors that
/// name file and place. Internal: public for the packages of this library, without a promise of
/// stability.
@NullMarked
package bitnet.format;

import org.jspecify.annotations.NullMarked;
