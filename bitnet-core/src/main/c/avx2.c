// 256-bit kernels: AVX2, FMA and F16C.

#define SET avx2
#include "kernels.h"

#include <immintrin.h>

// ---- Floats.

enum { LANES = 8, SUMS_AT_ONCE = 8 };
typedef __m256 floats;
typedef __m256i ints;

INLINE __m256i load_256(const void *p) { return _mm256_loadu_si256((const __m256i *)p); }
INLINE ints load_ints(const int32_t *p) { return load_256(p); }
INLINE void store_ints(int32_t *p, ints v) { _mm256_storeu_si256((__m256i *)p, v); }
INLINE ints set_int(int32_t value) { return _mm256_set1_epi32(value); }
INLINE ints add_ints(ints a, ints b) { return _mm256_add_epi32(a, b); }
INLINE ints subtract_ints(ints a, ints b) { return _mm256_sub_epi32(a, b); }
INLINE floats to_floats(ints v) { return _mm256_cvtepi32_ps(v); }

INLINE floats load(const float *p) { return _mm256_loadu_ps(p); }
INLINE void store(float *p, floats v) { _mm256_storeu_ps(p, v); }
INLINE floats set(float value) { return _mm256_set1_ps(value); }
INLINE floats multiply_floats(floats a, floats b) { return _mm256_mul_ps(a, b); }
INLINE floats fma_floats(floats a, floats b, floats c) { return _mm256_fmadd_ps(a, b, c); }
INLINE floats least(floats a, floats b) { return _mm256_min_ps(a, b); }
INLINE floats greatest(floats a, floats b) { return _mm256_max_ps(a, b); }

INLINE floats load_half(const uint16_t *p) {
  return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p));
}

INLINE void store_half(uint16_t *p, floats v) {
  _mm_storeu_si128((__m128i *)p,
                   _mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}

INLINE floats nearest(floats v) {
  return _mm256_round_ps(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

INLINE floats power_of_two(floats n) {
  __m256i exponent = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
  return _mm256_castsi256_ps(_mm256_slli_epi32(exponent, 23));
}

INLINE __m128 add_halves(floats v) {
  return _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
}

INLINE float sum_floats(floats v) {
  __m128 four = add_halves(v);
  __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

INLINE __m128 add_pairs(__m128 a, __m128 b) {
  return _mm_add_ps(_mm_unpacklo_ps(a, b), _mm_unpackhi_ps(a, b));
}

INLINE void sum_four(const floats *v, float scale, float *out) {
  __m128 ab = add_pairs(add_halves(v[0]), add_halves(v[1]));
  __m128 cd = add_pairs(add_halves(v[2]), add_halves(v[3]));
  __m128 sums = _mm_add_ps(_mm_movelh_ps(ab, cd), _mm_movehl_ps(cd, ab));
  _mm_storeu_ps(out, _mm_mul_ps(sums, _mm_set1_ps(scale)));
}

INLINE float greatest_float(floats v) {
  __m128 four = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
}

INLINE ints magnitude_bits(floats v) {
  return _mm256_and_si256(_mm256_castps_si256(v), _mm256_set1_epi32(0x7fffffff));
}

INLINE ints greatest_bits(ints a, ints b) {
  return _mm256_max_epi32(a, b);
}

INLINE int32_t greatest_int(ints v) {
  __m128i four = _mm_max_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
  __m128i two = _mm_max_epi32(four, _mm_shuffle_epi32(four, 0x4e));
  return _mm_cvtsi128_si32(_mm_max_epi32(two, _mm_shuffle_epi32(two, 0xb1)));
}

INLINE int32_t sum_lanes(__m128i four) {
  __m128i two = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0x4e));
  return _mm_cvtsi128_si32(_mm_add_epi32(two, _mm_shuffle_epi32(two, 0xb1)));
}

INLINE int32_t store_int8(int8_t *target, floats v) {
  __m256i wide = _mm256_cvtps_epi32(v);
  __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(wide), _mm256_extracti128_si256(wide, 1));
  __m128i bytes = _mm_packs_epi16(words, words);
  _mm_storel_epi64((__m128i *)target, bytes);
  return sum_lanes(_mm_madd_epi16(_mm_cvtepi8_epi16(bytes), _mm_set1_epi16(1)));
}

// ---- Ternary weights. maddubs multiplies unsigned weights (trits plus one) with signed
// activations and adds pairs in 16 bits: at most 2 * 2 * 128 = 512, so 64 of them may be added up
// before they are widened.

#define TOKENS_AT_ONCE 4
enum { BLOCK_ROWS = 16 };

// Four neighbouring activations for every row.
INLINE __m256i four(const int8_t *activations) {
  int32_t word;
  memcpy(&word, activations, sizeof(word));
  return _mm256_set1_epi32(word);
}

// An addition in place: GCC would shuffle and spill the many sums of a loop.
INLINE void add_words(__m256i *sum, __m256i more) {
  __asm__("vpaddw %1, %0, %0" : "+x"(*sum) : "x"(more));
}

// The sums of a few chunks of a tile. Codes 1 and 3 of a byte stay shifted by two bits, which saves a
// shift each: their sums are four times too high, so only 16 of them may be added up, those of 8
// chunks.
INLINE void chunk_sums(const uint8_t *tile, int chunks, const int8_t *activations, ints *sums) {
  enum { VECTORS = 4, AHEAD = 4096 };
  const __m256i low = _mm256_set1_epi8(3);
  const __m256i high = _mm256_set1_epi8(12);
  __m256i plain[VECTORS];
  __m256i shifted[VECTORS];
  UNROLL
  for (int v = 0; v < VECTORS; v++) {
    plain[v] = shifted[v] = _mm256_setzero_si256();
  }
  UNROLL_FOUR
  for (int c = 0; c < chunks; c++, tile += CHUNK_BYTES, activations += CHUNK_COLUMNS) {
    __builtin_prefetch(tile + AHEAD);
    __builtin_prefetch(tile + AHEAD + LINE_BYTES);
    __m256i x0 = four(activations);
    __m256i x1 = four(activations + 4);
    __m256i x2 = four(activations + 8);
    __m256i x3 = four(activations + 12);
    UNROLL
    for (int v = 0; v < VECTORS; v++) {
      __m256i q = load_256(tile + 32 * v);
      __m256i q4 = _mm256_srli_epi16(q, 4);
      add_words(&plain[v], _mm256_maddubs_epi16(_mm256_and_si256(q, low), x0));
      add_words(&shifted[v], _mm256_maddubs_epi16(_mm256_and_si256(q, high), x1));
      add_words(&plain[v], _mm256_maddubs_epi16(_mm256_and_si256(q4, low), x2));
      add_words(&shifted[v], _mm256_maddubs_epi16(_mm256_and_si256(q4, high), x3));
    }
  }
  UNROLL
  for (int v = 0; v < VECTORS; v++) {
    __m256i both = _mm256_add_epi16(plain[v], _mm256_srai_epi16(shifted[v], 2));
    sums[v] = _mm256_madd_epi16(both, _mm256_set1_epi16(1));
  }
}

// Tiles that follow each other, in turns: memory is read faster in two places at once.
INLINE void tile_sums(const int tiles, const uint8_t *tile, int apart, int chunks,
                      const int8_t *activations, ints *sums) {
  enum { FLUSH_CHUNKS = 8, VECTORS = TILE_ROWS / LANES };
  int first = chunks < FLUSH_CHUNKS ? chunks : FLUSH_CHUNKS;
  UNROLL
  for (int i = 0; i < tiles; i++) {
    chunk_sums(tile + (int64_t)i * apart * CHUNK_BYTES, first, activations, sums + i * VECTORS);
  }
  for (int c = FLUSH_CHUNKS; c < chunks; c += FLUSH_CHUNKS) {
    int some = chunks - c < FLUSH_CHUNKS ? chunks - c : FLUSH_CHUNKS;
    UNROLL
    for (int i = 0; i < tiles; i++) {
      ints more[VECTORS];
      chunk_sums(tile + ((int64_t)i * apart + c) * CHUNK_BYTES, some,
                 activations + c * CHUNK_COLUMNS, more);
      UNROLL
      for (int v = 0; v < VECTORS; v++) {
        sums[i * VECTORS + v] = add_ints(sums[i * VECTORS + v], more[v]);
      }
    }
  }
}

static void unpack(const uint8_t *packed, int chunks, uint8_t *unpacked) {
  enum { AHEAD = 2048 };
  const __m256i low = _mm256_set1_epi8(3);
  for (int c = 0; c < chunks; c++, packed += CHUNK_BYTES, unpacked += 4 * CHUNK_BYTES) {
    __builtin_prefetch(packed + AHEAD);
    __builtin_prefetch(packed + AHEAD + LINE_BYTES);
    for (int v = 0; v < CHUNK_BYTES; v += 32) {
      __m256i q = load_256(packed + v);
      for (int j = 0; j < 4; j++) {
        _mm256_store_si256((__m256i *)(unpacked + j * CHUNK_BYTES + v),
                           _mm256_and_si256(q, low));
        q = _mm256_srli_epi16(q, 2);
      }
    }
  }
}

// With 4 tokens, 8 sums stay in registers.
INLINE void block_sums(const int tokens, const uint8_t *w, int chunks, const int8_t *x, int stride,
                       ints (*sums)[BLOCK_ROWS / LANES]) {
  const __m256i ones = _mm256_set1_epi16(1);
  __m256i products[TOKENS_AT_ONCE][2];
  UNROLL
  for (int t = 0; t < tokens; t++) {
    products[t][0] = products[t][1] = _mm256_setzero_si256();
  }
  for (int c = 0; c < chunks; c++, w += 4 * CHUNK_BYTES, x += CHUNK_COLUMNS) {
    UNROLL
    for (int j = 0; j < 4; j++) {
      __m256i w0 = load_256(w + j * CHUNK_BYTES);
      __m256i w1 = load_256(w + j * CHUNK_BYTES + 32);
      UNROLL
      for (int t = 0; t < tokens; t++) {
        __m256i four_x = four(x + (int64_t)t * stride + 4 * j);
        add_words(&products[t][0], _mm256_maddubs_epi16(w0, four_x));
        add_words(&products[t][1], _mm256_maddubs_epi16(w1, four_x));
      }
    }
  }
  UNROLL
  for (int t = 0; t < tokens; t++) {
    sums[t][0] = _mm256_madd_epi16(products[t][0], ones);
    sums[t][1] = _mm256_madd_epi16(products[t][1], ones);
  }
}

#include "ternary.h"
#include "floats.h"
#include "attention.h"

// ---- Heads. maddubs takes the magnitudes of the activations and the weights with the signs of
// the activations: 2 * 128 * 127 fits 16 bits.

enum { INT_BYTES = 32, DOT_BIAS = 0 };

INLINE ints load_bytes(const int8_t *p) { return load_256(p); }
INLINE ints prepare(ints x) { return _mm256_abs_epi8(x); }

INLINE ints dot(ints sums, ints w, ints x, ints magnitudes) {
  __m256i pairs = _mm256_maddubs_epi16(magnitudes, _mm256_sign_epi8(w, x));
  return _mm256_add_epi32(sums, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}

INLINE int32_t sum_ints(ints v) {
  return sum_lanes(_mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1)));
}

typedef __m256i group_ints;
typedef __m256 group_floats;

INLINE group_floats group_set(float value) { return set(value); }
INLINE float group_sum(group_floats sums) { return sum_floats(sums); }

INLINE group_floats group_fma(group_floats a, group_floats b, group_floats c) {
  return fma_floats(a, b, c);
}

// Nibbles are weights plus 8. All sums of pairs stay below 2 * 2 * 15 * 128 in magnitude.
INLINE group_ints group_bias(const int8_t *x) {
  const __m256i eights = _mm256_set1_epi8(8);
  return _mm256_add_epi16(_mm256_maddubs_epi16(eights, load_256(x)),
                          _mm256_maddubs_epi16(eights, load_256(x + 32)));
}

INLINE group_floats group_dot(const uint8_t *nibbles, const int8_t *x, group_ints bias) {
  const __m256i mask = _mm256_set1_epi8(15);
  __m256i q = load_256(nibbles);
  __m256i first = _mm256_maddubs_epi16(_mm256_and_si256(q, mask), load_256(x));
  __m256i second =
      _mm256_maddubs_epi16(_mm256_and_si256(_mm256_srli_epi16(q, 4), mask), load_256(x + 32));
  __m256i pairs = _mm256_sub_epi16(_mm256_add_epi16(first, second), bias);
  return _mm256_cvtepi32_ps(_mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}

#include "lm_head.h"
