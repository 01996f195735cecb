// 512-bit kernels: AVX-512 F, BW, VL and VNNI. The set's file defines SET, and MATRIX_UNIT if the
// processor has one, AMX, for the products of several tokens.

#include "kernels.h"

#include <immintrin.h>

// ---- Floats.

enum { LANES = 16, SUMS_AT_ONCE = 16 };
typedef __m512 floats;
typedef __m512i ints;

INLINE __m512i load_512(const void *p) { return _mm512_loadu_si512(p); }
INLINE __m256i load_256(const void *p) { return _mm256_loadu_si256((const __m256i *)p); }
INLINE ints load_ints(const int32_t *p) { return load_512(p); }
INLINE void store_ints(int32_t *p, ints v) { _mm512_storeu_si512(p, v); }
INLINE ints set_int(int32_t value) { return _mm512_set1_epi32(value); }
INLINE ints add_ints(ints a, ints b) { return _mm512_add_epi32(a, b); }
INLINE ints subtract_ints(ints a, ints b) { return _mm512_sub_epi32(a, b); }
INLINE floats to_floats(ints v) { return _mm512_cvtepi32_ps(v); }

INLINE floats load(const float *p) { return _mm512_loadu_ps(p); }
INLINE void store(float *p, floats v) { _mm512_storeu_ps(p, v); }
INLINE floats set(float value) { return _mm512_set1_ps(value); }
INLINE floats multiply_floats(floats a, floats b) { return _mm512_mul_ps(a, b); }
INLINE floats fma_floats(floats a, floats b, floats c) { return _mm512_fmadd_ps(a, b, c); }
INLINE floats least(floats a, floats b) { return _mm512_min_ps(a, b); }
INLINE floats greatest(floats a, floats b) { return _mm512_max_ps(a, b); }
INLINE floats load_half(const uint16_t *p) { return _mm512_cvtph_ps(load_256(p)); }

INLINE void store_half(uint16_t *p, floats v) {
  _mm256_storeu_si256((__m256i *)p,
                      _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}

INLINE floats nearest(floats v) {
  return _mm512_roundscale_ps(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

INLINE floats power_of_two(floats n) {
  __m512i exponent = _mm512_add_epi32(_mm512_cvtps_epi32(n), _mm512_set1_epi32(127));
  return _mm512_castsi512_ps(_mm512_slli_epi32(exponent, 23));
}

INLINE __m256 upper_half(floats v) {
  return _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(v), 1));
}

INLINE floats add_halves(floats a, floats b) {
  return _mm512_add_ps(_mm512_shuffle_f32x4(a, b, 0x44), _mm512_shuffle_f32x4(a, b, 0xee));
}

INLINE float sum_floats(floats v) {
  __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(v), upper_half(v));
  __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

// The lower halves of two vectors, and the upper ones, are added at once, and so on.
INLINE void sum_four(const floats *v, float scale, float *out) {
  floats ab = add_halves(v[0], v[1]);
  floats cd = add_halves(v[2], v[3]);
  floats four = _mm512_add_ps(_mm512_shuffle_f32x4(ab, cd, 0x88), _mm512_shuffle_f32x4(ab, cd, 0xdd));
  four = _mm512_add_ps(four, _mm512_permute_ps(four, 0x4e));
  four = _mm512_add_ps(four, _mm512_permute_ps(four, 0xb1));
  const __m512i firsts = _mm512_set_epi32(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 12, 8, 4, 0);
  __m128 sums = _mm512_castps512_ps128(_mm512_permutexvar_ps(firsts, four));
  _mm_storeu_ps(out, _mm_mul_ps(sums, _mm_set1_ps(scale)));
}
INLINE float greatest_float(floats v) { return _mm512_reduce_max_ps(v); }

INLINE ints magnitude_bits(floats v) {
  return _mm512_and_si512(_mm512_castps_si512(v), _mm512_set1_epi32(0x7fffffff));
}

INLINE ints greatest_bits(ints a, ints b) {
  return _mm512_max_epi32(a, b);
}

INLINE int32_t greatest_int(ints v) { return _mm512_reduce_max_epi32(v); }

INLINE int32_t store_int8(int8_t *target, floats v) {
  __m128i bytes = _mm512_cvtsepi32_epi8(_mm512_cvtps_epi32(v));
  _mm_storeu_si128((__m128i *)target, bytes);
  return _mm512_reduce_add_epi32(_mm512_cvtepi8_epi32(bytes));
}

// ---- Ternary weights. dpbusd adds four products of unsigned weights (trits plus one) and signed
// activations to a lane of 32 bits.

// Written out, since GCC (12) copies every sum to another register and back around the intrinsic,
// which takes half the speed. Emulated instructions have no registers to care for.
INLINE __m512i dpbusd(__m512i sums, __m512i weights, __m512i x) {
#ifdef __AVX512VNNI__
  __asm__("vpdpbusd %2, %1, %0" : "+v"(sums) : "v"(weights), "v"(x));
  return sums;
#else
  return _mm512_dpbusd_epi32(sums, weights, x);
#endif
}

// Four neighbouring activations for every row.
INLINE __m512i four(const int8_t *activations) {
  int32_t word;
  memcpy(&word, activations, sizeof(word));
  return _mm512_set1_epi32(word);
}

enum { AHEAD = 4096 }; // bytes of weights that are fetched from memory meanwhile

// One tile or two that follow each other: memory is read faster in two places at once. Codes 1 and 3
// of a byte stay shifted by two bits, which saves a shift each: their sums are divided by four in
// the end.
INLINE void tile_sums(const int tiles, const uint8_t *tile, int apart, int chunks,
                      const int8_t *activations, ints *sums) {
  enum { VECTORS = TILE_ROWS / LANES };
  const __m512i low = _mm512_set1_epi8(3);
  const __m512i high = _mm512_set1_epi8(12);
  const int64_t tile_bytes = (int64_t)apart * CHUNK_BYTES;
  __m512i plain[2 * VECTORS];
  __m512i shifted[2 * VECTORS];
  UNROLL
  for (int v = 0; v < tiles * VECTORS; v++) {
    plain[v] = shifted[v] = _mm512_setzero_si512();
  }
  for (int c = 0; c < chunks; c++, tile += CHUNK_BYTES, activations += CHUNK_COLUMNS) {
    __m512i x0 = four(activations);
    __m512i x1 = four(activations + 4);
    __m512i x2 = four(activations + 8);
    __m512i x3 = four(activations + 12);
    UNROLL
    for (int v = 0; v < tiles * VECTORS; v++) {
      const uint8_t *codes_of_rows = tile + v / VECTORS * tile_bytes + v % VECTORS * LINE_BYTES;
      __builtin_prefetch(codes_of_rows + AHEAD);
      __m512i q = load_512(codes_of_rows);
      __m512i q4 = _mm512_srli_epi16(q, 4);
      plain[v] = dpbusd(plain[v], _mm512_and_si512(q, low), x0);
      shifted[v] = dpbusd(shifted[v], _mm512_and_si512(q, high), x1);
      plain[v] = dpbusd(plain[v], _mm512_and_si512(q4, low), x2);
      shifted[v] = dpbusd(shifted[v], _mm512_and_si512(q4, high), x3);
    }
  }
  UNROLL
  for (int v = 0; v < tiles * VECTORS; v++) {
    sums[v] = _mm512_add_epi32(plain[v], _mm512_srai_epi32(shifted[v], 2));
  }
}

static void unpack(const uint8_t *packed, int chunks, uint8_t *unpacked) {
  const __m512i low = _mm512_set1_epi8(3);
  for (int c = 0; c < chunks; c++, packed += CHUNK_BYTES, unpacked += 4 * CHUNK_BYTES) {
    __builtin_prefetch(packed + AHEAD);
    __builtin_prefetch(packed + AHEAD + LINE_BYTES);
    for (int v = 0; v < CHUNK_BYTES; v += 64) {
      __m512i q = load_512(packed + v);
      for (int j = 0; j < 4; j++) {
        _mm512_storeu_si512(unpacked + j * CHUNK_BYTES + v, _mm512_and_si512(q, low));
        q = _mm512_srli_epi16(q, 2);
      }
    }
  }
}

#ifdef MATRIX_UNIT
#include "tiles.h"
#else

#define TOKENS_AT_ONCE 8
enum { BLOCK_ROWS = TILE_ROWS };

// With 8 tokens, 16 of 32 registers hold sums.
INLINE void block_sums(const int tokens, const uint8_t *w, int chunks, const int8_t *x, int stride,
                       ints (*sums)[BLOCK_ROWS / LANES]) {
  UNROLL
  for (int t = 0; t < tokens; t++) {
    sums[t][0] = sums[t][1] = _mm512_setzero_si512();
  }
  for (int c = 0; c < chunks; c++, x += CHUNK_COLUMNS) {
    UNROLL
    for (int j = 0; j < CHUNK_COLUMNS; j += 4, w += CHUNK_BYTES) {
      __m512i w0 = load_512(w);
      __m512i w1 = load_512(w + 64);
      UNROLL
      for (int t = 0; t < tokens; t++) {
        __m512i four_x = four(x + (int64_t)t * stride + j);
        sums[t][0] = dpbusd(sums[t][0], w0, four_x);
        sums[t][1] = dpbusd(sums[t][1], w1, four_x);
      }
    }
  }
}

#endif

#include "ternary.h"
#include "floats.h"
#include "attention.h"

// ---- Heads. dpbusd wants one side unsigned: the activations plus 128, which counts every weight
// 128 times too often.

enum { INT_BYTES = 64, DOT_BIAS = 128 };

INLINE ints load_bytes(const int8_t *p) { return load_512(p); }
INLINE ints prepare(ints x) { return _mm512_xor_si512(x, _mm512_set1_epi8(-128)); }

INLINE ints dot(ints sums, ints w, ints x, ints raised) {
  (void)x;
  return dpbusd(sums, raised, w);
}

INLINE int32_t sum_ints(ints v) { return _mm512_reduce_add_epi32(v); }

typedef __m256i group_ints;
typedef __m256 group_floats;

INLINE group_floats group_set(float value) { return _mm256_set1_ps(value); }

INLINE float group_sum(group_floats v) {
  __m128 four = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

INLINE group_floats group_fma(group_floats a, group_floats b, group_floats c) {
  return _mm256_fmadd_ps(a, b, c);
}

// Nibbles are weights plus 8.
INLINE group_ints group_bias(const int8_t *x) {
  const __m256i eights = _mm256_set1_epi8(8);
  __m256i sums = _mm256_dpbusd_epi32(_mm256_setzero_si256(), eights, load_256(x));
  sums = _mm256_dpbusd_epi32(sums, eights, load_256(x + 32));
  return _mm256_sub_epi32(_mm256_setzero_si256(), sums);
}

INLINE group_floats group_dot(const uint8_t *nibbles, const int8_t *x, group_ints bias) {
  const __m256i mask = _mm256_set1_epi8(15);
  __m256i q = load_256(nibbles);
  __m256i sums = _mm256_dpbusd_epi32(bias, _mm256_and_si256(q, mask), load_256(x));
  __m256i upper = _mm256_and_si256(_mm256_srli_epi16(q, 4), mask);
  return _mm256_cvtepi32_ps(_mm256_dpbusd_epi32(sums, upper, load_256(x + 32)));
}

#include "lm_head.h"
