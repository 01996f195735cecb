// 128-bit kernels: ARM NEON with the dot product instructions.

#define SET neon
#include "kernels.h"

#include <arm_neon.h>

// ---- Floats.

enum { LANES = 4, SUMS_AT_ONCE = 16 };
typedef float32x4_t floats;
typedef int32x4_t ints;

INLINE ints load_ints(const int32_t *p) { return vld1q_s32(p); }
INLINE void store_ints(int32_t *p, ints v) { vst1q_s32(p, v); }
INLINE ints set_int(int32_t value) { return vdupq_n_s32(value); }
INLINE ints add_ints(ints a, ints b) { return vaddq_s32(a, b); }
INLINE ints subtract_ints(ints a, ints b) { return vsubq_s32(a, b); }
INLINE floats to_floats(ints v) { return vcvtq_f32_s32(v); }

INLINE floats load(const float *p) { return vld1q_f32(p); }
INLINE void store(float *p, floats v) { vst1q_f32(p, v); }
INLINE floats set(float value) { return vdupq_n_f32(value); }
INLINE floats multiply_floats(floats a, floats b) { return vmulq_f32(a, b); }
INLINE floats fma_floats(floats a, floats b, floats c) { return vfmaq_f32(c, a, b); }
INLINE floats least(floats a, floats b) { return vminq_f32(a, b); }
INLINE floats greatest(floats a, floats b) { return vmaxq_f32(a, b); }
INLINE floats nearest(floats v) { return vrndnq_f32(v); }
INLINE float sum_floats(floats v) { return vaddvq_f32(v); }

INLINE void sum_four(const floats *v, float scale, float *out) {
  floats sums = vpaddq_f32(vpaddq_f32(v[0], v[1]), vpaddq_f32(v[2], v[3]));
  vst1q_f32(out, vmulq_n_f32(sums, scale));
}

INLINE float greatest_float(floats v) { return vmaxvq_f32(v); }

INLINE floats load_half(const uint16_t *p) {
  return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p)));
}

INLINE void store_half(uint16_t *p, floats v) {
  vst1_u16(p, vreinterpret_u16_f16(vcvt_f16_f32(v)));
}

INLINE floats power_of_two(floats n) {
  int32x4_t exponent = vaddq_s32(vcvtnq_s32_f32(n), vdupq_n_s32(127));
  return vreinterpretq_f32_s32(vshlq_n_s32(exponent, 23));
}

INLINE ints magnitude_bits(floats v) {
  return vandq_s32(vreinterpretq_s32_f32(v), vdupq_n_s32(0x7fffffff));
}

INLINE ints greatest_bits(ints a, ints b) {
  return vmaxq_s32(a, b);
}

INLINE int32_t greatest_int(ints v) { return vmaxvq_s32(v); }

INLINE int32_t store_int8(int8_t *target, floats v) {
  int16x4_t words = vqmovn_s32(vcvtnq_s32_f32(v));
  int8x8_t bytes = vqmovn_s16(vcombine_s16(words, vdup_n_s16(0)));
  memcpy(target, &bytes, LANES);
  return vaddlv_s8(bytes);
}

// ---- Ternary weights. sdot adds four products of signed bytes to a lane of 32 bits; its lane form
// repeats four neighbouring activations for every row.

#define TOKENS_AT_ONCE 4
enum { BLOCK_ROWS = 16 };

INLINE void one_tile_sums(const uint8_t *tile, int chunks, const int8_t *activations, ints *sums) {
  enum { VECTORS = TILE_ROWS / LANES, AHEAD = 1024 };
  const uint8x16_t low = vdupq_n_u8(3);
  int32x4_t products[VECTORS];
  UNROLL
  for (int v = 0; v < VECTORS; v++) {
    products[v] = vdupq_n_s32(0);
  }
  for (int c = 0; c < chunks; c++, tile += CHUNK_BYTES, activations += CHUNK_COLUMNS) {
    __builtin_prefetch(tile + AHEAD);
    __builtin_prefetch(tile + AHEAD + LINE_BYTES);
    int8x16_t x = vld1q_s8(activations);
    UNROLL
    for (int v = 0; v < VECTORS; v++) {
      uint8x16_t q = vld1q_u8(tile + 16 * v);
      int8x16_t w0 = vreinterpretq_s8_u8(vandq_u8(q, low));
      int8x16_t w1 = vreinterpretq_s8_u8(vandq_u8(vshrq_n_u8(q, 2), low));
      int8x16_t w2 = vreinterpretq_s8_u8(vandq_u8(vshrq_n_u8(q, 4), low));
      int8x16_t w3 = vreinterpretq_s8_u8(vshrq_n_u8(q, 6));
      products[v] = vdotq_laneq_s32(products[v], w0, x, 0);
      products[v] = vdotq_laneq_s32(products[v], w1, x, 1);
      products[v] = vdotq_laneq_s32(products[v], w2, x, 2);
      products[v] = vdotq_laneq_s32(products[v], w3, x, 3);
    }
  }
  UNROLL
  for (int v = 0; v < VECTORS; v++) {
    sums[v] = products[v];
  }
}

INLINE void tile_sums(const int tiles, const uint8_t *tile, int apart, int chunks,
                      const int8_t *activations, ints *sums) {
  UNROLL
  for (int i = 0; i < tiles; i++) {
    one_tile_sums(tile + (int64_t)i * apart * CHUNK_BYTES, chunks, activations,
                  sums + i * (TILE_ROWS / LANES));
  }
}

static void unpack(const uint8_t *packed, int chunks, uint8_t *unpacked) {
  const uint8x16_t low = vdupq_n_u8(3);
  for (int c = 0; c < chunks; c++, packed += CHUNK_BYTES, unpacked += 4 * CHUNK_BYTES) {
    for (int v = 0; v < CHUNK_BYTES; v += 16) {
      uint8x16_t q = vld1q_u8(packed + v);
      for (int j = 0; j < 4; j++) {
        vst1q_u8(unpacked + j * CHUNK_BYTES + v, vandq_u8(q, low));
        q = vshrq_n_u8(q, 2);
      }
    }
  }
}

// With 4 tokens, 16 of 32 registers hold sums.
INLINE void block_sums(const int tokens, const uint8_t *unpacked, int chunks,
                       const int8_t *activations, int stride, ints (*sums)[BLOCK_ROWS / LANES]) {
  const int8_t *w = (const int8_t *)unpacked;
  UNROLL
  for (int t = 0; t < tokens; t++) {
    UNROLL
    for (int v = 0; v < 4; v++) {
      sums[t][v] = vdupq_n_s32(0);
    }
  }
  for (int k = 0; k < chunks * CHUNK_COLUMNS; k += CHUNK_COLUMNS, w += 4 * CHUNK_BYTES) {
    int8x16_t x[TOKENS_AT_ONCE];
    UNROLL
    for (int t = 0; t < tokens; t++) {
      x[t] = vld1q_s8(activations + (int64_t)t * stride + k);
    }
#define FOUR_COLUMNS(j)                                           \
  UNROLL                                                          \
  for (int v = 0; v < 4; v++) {                                   \
    int8x16_t weights = vld1q_s8(w + (j) * CHUNK_BYTES + 16 * v); \
    UNROLL                                                        \
    for (int t = 0; t < tokens; t++) {                            \
      sums[t][v] = vdotq_laneq_s32(sums[t][v], weights, x[t], j); \
    }                                                             \
  }
    FOUR_COLUMNS(0)
    FOUR_COLUMNS(1)
    FOUR_COLUMNS(2)
    FOUR_COLUMNS(3)
#undef FOUR_COLUMNS
  }
}

#include "ternary.h"
#include "floats.h"
#include "attention.h"

// ---- Heads.

enum { INT_BYTES = 16, DOT_BIAS = 0 };

INLINE ints load_bytes(const int8_t *p) { return vreinterpretq_s32_s8(vld1q_s8(p)); }
INLINE ints prepare(ints x) { return x; }

INLINE ints dot(ints sums, ints w, ints x, ints ready) {
  (void)ready;
  return vdotq_s32(sums, vreinterpretq_s8_s32(w), vreinterpretq_s8_s32(x));
}

INLINE int32_t sum_ints(ints v) { return vaddvq_s32(v); }

typedef int32x4_t group_ints;
typedef float32x4_t group_floats;

INLINE group_floats group_set(float value) { return set(value); }
INLINE float group_sum(group_floats sums) { return sum_floats(sums); }

INLINE group_floats group_fma(group_floats a, group_floats b, group_floats c) {
  return fma_floats(a, b, c);
}

// Nibbles are weights plus 8.
INLINE group_ints group_bias(const int8_t *x) {
  const int8x16_t eights = vdupq_n_s8(-8);
  int32x4_t sums = vdupq_n_s32(0);
  for (int k = 0; k < GROUP_COLUMNS; k += 16) {
    sums = vdotq_s32(sums, eights, vld1q_s8(x + k));
  }
  return sums;
}

INLINE group_floats group_dot(const uint8_t *nibbles, const int8_t *x, group_ints bias) {
  const uint8x16_t mask = vdupq_n_u8(15);
  int32x4_t sums = bias;
  for (int k = 0; k < GROUP_BYTES; k += 16) {
    uint8x16_t q = vld1q_u8(nibbles + k);
    sums = vdotq_s32(sums, vreinterpretq_s8_u8(vandq_u8(q, mask)), vld1q_s8(x + k));
    sums = vdotq_s32(sums, vreinterpretq_s8_u8(vshrq_n_u8(q, 4)), vld1q_s8(x + GROUP_BYTES + k));
  }
  return vcvtq_f32_s32(sums);
}

#include "lm_head.h"
