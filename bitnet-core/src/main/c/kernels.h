// The functions that every instruction set exports, as bitnet.kernel.NativeKernels calls them, and
// the layout of packed ternary weights. A set's file defines SET, its prefix, and includes this.
//
// Ternary weights lie in tiles of 32 rows. A tile holds chunks of 16 columns, one after the other:
// a chunk has 4 bytes for each row; bits 2j and 2j+1 of byte b are the trit of column
// 4j+b, plus one. So a lane of 32 bits is a row and meets 4 neighbouring activations, no sum
// crosses lanes, and a tile is read front to back. Activations are padded with zeros to a multiple
// of 64, so the trits in a chunk behind the last column may be anything.

#ifndef BITNET_KERNELS_H
#define BITNET_KERNELS_H

#include <stdint.h>
#include <string.h>

enum {
  TILE_ROWS = 32,
  CHUNK_COLUMNS = 16,
  CHUNK_BYTES = 4 * TILE_ROWS,
  GROUP_COLUMNS = 64,  // that share a scale in a 4-bit matrix
  GROUP_BYTES = 32,
  LINE_BYTES = 64
};

#define JOIN_(set, function) set##_##function
#define JOIN(set, function) JOIN_(set, function)
#define EXPORT(type, function) \
  __attribute__((visibility("default"))) type JOIN(SET, function)
#define INLINE static inline __attribute__((always_inline))

// A hot loop in a function of its own has all registers for itself.
#define OUTLINE __attribute__((noinline))

// Before a loop over an array of vectors, so that its elements become registers.
#ifdef __clang__
#define UNROLL _Pragma("unroll")
#define UNROLL_FOUR _Pragma("unroll 4")
#else
#define UNROLL _Pragma("GCC unroll 16")
#define UNROLL_FOUR _Pragma("GCC unroll 4")
#endif

// Packs the 32 rows [32][columns] of a tile.
EXPORT(void, pack_tile)(const int8_t *trits, int columns, uint8_t *tile);

// out[t][r] = (sum_k trit[r][k] * activations[t][k]) * activation_scales[t] * scales[r] for the
// output features r from first to below end; first is a multiple of 32; sums[t] is the sum of
// activations[t]. There is memory for the activations of a multiple of 16 tokens, and the values
// after the last token do not matter; the same holds for 8-bit weights.
EXPORT(void, ternary)
(const uint8_t *tiles, const float *scales, int columns, const int8_t *activations, int stride,
 const float *activation_scales, const int32_t *sums, int tokens, int first, int end, float *out,
 int out_stride);

// The same with a scale for every group of columns of a row, a multiple of 64:
// out[t][r] = sum_g (sum_k trit[r][k] * activations[t][k]) * activation_scales[g][t] * scales[r][g],
// added group by group. scales are fp16, [tile][group][32], activation_scales and sums
// [group][capacity].
EXPORT(void, ternary_groups)
(const uint8_t *tiles, const uint16_t *scales, int columns, int group_columns,
 const int8_t *activations, int stride, const float *activation_scales, const int32_t *sums,
 int capacity, int tokens, int first, int end, float *out, int out_stride);

// The same with 8-bit weights [rows][stride]; row_sums[r] is the sum of weights[r].
EXPORT(void, int8)
(const int8_t *weights, const float *scales, const int32_t *row_sums, const int8_t *activations,
 int stride, const float *activation_scales, int tokens, int first, int end, float *out,
 int out_stride);

// The same with 4-bit weights [rows][groups][32], see bitnet.kernel.Int4Matrix.
EXPORT(void, int4)
(const uint8_t *nibbles, const float *scales, int groups, const int8_t *activations,
 const float *activation_scales, int tokens, int first, int end, float *out, int out_stride);

// out[t][r] = sum_k weights[r][k] * x[t][k].
EXPORT(void, fp32)(const float *weights, int columns, const float *x, int tokens, int first,
                   int end, float *out, int out_stride);

// Writes a token's int8 activations, their sum and their scale, and returns max(max|x|, 1e-5); if
// that is not finite, nothing was written.
EXPORT(float, quantize)
(const float *x, int columns, int8_t *activations, float *activation_scale, int32_t *sum);

// The same with a scale and a sum for every group of columns, [group][capacity]; the first maximum
// that is not finite ends it, else any one is returned.
EXPORT(float, quantize_groups)
(const float *x, int columns, int group_columns, int8_t *activations, float *activation_scales,
 int32_t *sums, int capacity);

// Quantizes a row of 8-bit weights, see bitnet.kernel.Int8Matrix, and returns max|x|; if that is not
// finite, nothing was written.
EXPORT(float, int8_row)(const float *x, int columns, int8_t *quantized, float *scale, int32_t *sum);

EXPORT(void, normalize)(const float *x, const float *gain, int count, float epsilon, float *out);

EXPORT(void, silu_gate)(const float *gate, const float *up, int count, float *out);

EXPORT(void, squared_relu_gate)(const float *gate, const float *up, int count, float *out);

EXPORT(void, add)(const float *x, int count, float *sum);

// Rotary position embedding of some heads: dimension i is paired with i + head_dim / 2.
EXPORT(void, rotate)(float *heads, int count, const float *cosines, const float *sines,
                     int head_dim);

EXPORT(void, to_half)(const float *x, int count, uint16_t *halves);

// The query heads of a token that share keys and values, and the positions that they attend to:
// some that are shared by several tokens, then the token's own.
typedef struct {
  const float *queries; // [heads][head_dim]
  float *out;           // [heads][head_dim]
  const void *keys;     // [own][head_dim]
  const void *values;   // [own][head_dim]
  int64_t own;
} attention_query;

// Attention of some queries with the same shared positions; keys and values are fp16 if half, else
// fp32. The first `common` own positions of every query are those of the first query. Works in
// 4 * (shared + the most of own) scores.
EXPORT(void, attend)
(const attention_query *queries, int count, int heads, const void *shared_keys,
 const void *shared_values, int shared, int common, int half, int head_dim, float scale,
 float *scores);

#endif
