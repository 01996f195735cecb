// AVX-512 by means of AVX2: SIMDe defines the 512-bit intrinsics on machines that lack them. Those
// that its version 0.7 lacks too are loops here.

#define SIMDE_ENABLE_NATIVE_ALIASES
#include <math.h>
#include <simde/x86/avx512.h>

typedef union {
  __m512 vector;
  __m512i bits;
  __m256 halves[2];
  float floats[16];
  int32_t ints[16];
} lanes;

#define FOR_LANES(expression)      \
  for (int i = 0; i < 16; i++) {   \
    expression;                    \
  }

static inline __m512 halves_to_floats(__m256i halves) {
  lanes to;
  to.halves[0] = _mm256_cvtph_ps(_mm256_castsi256_si128(halves));
  to.halves[1] = _mm256_cvtph_ps(_mm256_extracti128_si256(halves, 1));
  return to.vector;
}

static inline __m256i floats_to_halves(__m512 v) {
  lanes from = {.vector = v};
  return _mm256_set_m128i(_mm256_cvtps_ph(from.halves[1], 0), _mm256_cvtps_ph(from.halves[0], 0));
}

static inline __m512i bytes_to_ints(__m128i bytes) {
  int8_t from[16];
  _mm_storeu_si128((__m128i *)from, bytes);
  lanes to;
  FOR_LANES(to.ints[i] = from[i])
  return to.bits;
}

static inline __m512i floats_to_ints(__m512 v) {
  lanes from = {.vector = v};
  lanes to;
  FOR_LANES(to.ints[i] = (int32_t)nearbyintf(from.floats[i]))
  return to.bits;
}

static inline __m512 ints_to_floats(__m512i v) {
  lanes from = {.bits = v};
  lanes to;
  FOR_LANES(to.floats[i] = (float)from.ints[i])
  return to.vector;
}

static inline __m512i shift_right(__m512i v, int places) {
  lanes both = {.bits = v};
  FOR_LANES(both.ints[i] >>= places)
  return both.bits;
}

// Two quarters of a, then two of b.
static inline __m512 shuffle_quarters(__m512 a, __m512 b, int order) {
  lanes from[2] = {{.vector = a}, {.vector = b}};
  lanes to;
  FOR_LANES(to.ints[i] = from[i / 8].ints[4 * (order >> (2 * (i / 4)) & 3) + i % 4])
  return to.vector;
}

static inline __m512 permute_quarters(__m512 v, int order) {
  lanes from = {.vector = v};
  lanes to;
  FOR_LANES(to.ints[i] = from.ints[i / 4 * 4 + (order >> (2 * (i % 4)) & 3)])
  return to.vector;
}

static inline int32_t sum_of_ints(__m512i v) {
  lanes from = {.bits = v};
  int32_t sum = 0;
  FOR_LANES(sum += from.ints[i])
  return sum;
}

static inline int32_t greatest_of_ints(__m512i v) {
  lanes from = {.bits = v};
  int32_t most = from.ints[0];
  FOR_LANES(most = from.ints[i] > most ? from.ints[i] : most)
  return most;
}

static inline float greatest_of_floats(__m512 v) {
  lanes from = {.vector = v};
  float most = from.floats[0];
  FOR_LANES(most = from.floats[i] > most ? from.floats[i] : most)
  return most;
}

#define _mm512_cvtph_ps halves_to_floats
#define _mm512_cvtps_ph(v, rounding) floats_to_halves(v)
#define _mm512_cvtepi8_epi32 bytes_to_ints
#define _mm512_cvtps_epi32 floats_to_ints
#define _mm512_cvtepi32_ps ints_to_floats
#define _mm512_srai_epi32 shift_right
#define _mm512_reduce_add_epi32 sum_of_ints
#define _mm512_permute_ps permute_quarters
#define _mm512_shuffle_f32x4 shuffle_quarters
#define _mm512_reduce_max_epi32 greatest_of_ints
#define _mm512_reduce_max_ps greatest_of_floats
