// What is not a product with weights: quantisation, normalisation, gates, rotation, attention.
// The set's file defines before it includes this:
//   floats, LANES                               a vector; + - * / work on it
//   load(p), store(p, v), set(value)            unaligned
//   load_half(p), store_half(p, v)              LANES values of IEEE half precision
//   fma_floats(a, b, c)                         a * b + c, rounded once
//   least(a, b), greatest(a, b)                 if one is not a number: b
//   nearest(v)                                  integers, halves to even
//   power_of_two(n)                             2^n, n integers from -126 to 127
//   sum_floats(v), greatest_float(v)            of all lanes
//   ints_of_floats, magnitude_bits(v), greatest_bits(a, b), greatest_int(v)
//                                               bits without the sign, as integers
//   store_codes(codes, v)                       floats that are integers, to bytes; saturates;
//                                               returns the sum of what was stored

INLINE floats load_some(const float *p, int count) {
  if (count >= LANES) {
    return load(p);
  }
  float part[LANES] = {0};
  memcpy(part, p, sizeof(float) * (size_t)count);
  return load(part);
}

INLINE void store_some(float *p, floats v, int count) {
  if (count >= LANES) {
    store(p, v);
  } else {
    float part[LANES];
    store(part, v);
    memcpy(p, part, sizeof(float) * (size_t)count);
  }
}

// e^x to about two units in the last place, for x from -87 to 88; beyond that, the limit's value.
// Reduces to |r| <= ln(2)/2 and evaluates the minimax polynomial of Cephes' expf.
INLINE floats exponential(floats x) {
  x = greatest(set(-87.0f), least(set(88.0f), x));
  floats n = nearest(x * set(1.44269504f));
  floats r = fma_floats(n, set(-0.693359375f), x);
  r = fma_floats(n, set(2.12194440e-4f), r);
  floats p = set(1.9875691500e-4f);
  p = fma_floats(p, r, set(1.3981999507e-3f));
  p = fma_floats(p, r, set(8.3334519073e-3f));
  p = fma_floats(p, r, set(4.1665795894e-2f));
  p = fma_floats(p, r, set(1.6666665459e-1f));
  p = fma_floats(p, r, set(5.0000001201e-1f));
  p = fma_floats(p, r * r, r) + set(1.0f);
  return p * power_of_two(n);
}

// The greatest magnitude, and at least `least_value`; not finite if one of the values is not.
INLINE float greatest_magnitude(const float *x, int count, float least_value) {
  // Compared as integers, magnitudes keep their order and what is not a number is the greatest.
  ints_of_floats bits = magnitude_bits(set(least_value));
  for (int k = 0; k < count; k += LANES) {
    bits = greatest_bits(bits, magnitude_bits(load_some(x + k, count - k)));
  }
  int32_t greatest_bits_of_all = greatest_int(bits);
  float maximum;
  memcpy(&maximum, &greatest_bits_of_all, sizeof(maximum));
  return maximum;
}

// Writes values times a factor as codes and returns the sum of these.
INLINE int32_t round_to_codes(const float *x, int columns, float factor, int8_t *codes) {
  floats multiplier = set(factor);
  int32_t total = 0;
  int k = 0;
  for (; k + LANES <= columns; k += LANES) {
    total += store_codes(codes + k, nearest(load(x + k) * multiplier));
  }
  if (k < columns) {
    int8_t part[LANES];
    total += store_codes(part, nearest(load_some(x + k, columns - k) * multiplier));
    memcpy(codes + k, part, (size_t)(columns - k));
  }
  return total;
}

EXPORT(float, quantize)(const float *x, int columns, int8_t *codes, float *step, int32_t *sum) {
  float maximum = greatest_magnitude(x, columns, 1e-5f);
  if (!__builtin_isfinite(maximum)) {
    return maximum;
  }
  float inverse_step = 127.0f / maximum;
  *sum = round_to_codes(x, columns, inverse_step, codes);
  *step = 1.0f / inverse_step;
  return maximum;
}

EXPORT(float, int8_row)(const float *x, int columns, int8_t *codes, float *scale, int32_t *sum) {
  float maximum = greatest_magnitude(x, columns, 0.0f);
  if (!__builtin_isfinite(maximum)) {
    return maximum;
  }
  *sum = round_to_codes(x, columns, maximum == 0 ? 0 : 127.0f / maximum, codes);
  *scale = maximum / 127.0f;
  return maximum;
}

EXPORT(void, normalize)(const float *x, const float *gain, int count, float epsilon, float *out) {
  enum { SUMS = 16 }; // in double precision; so many that the compiler makes vectors of them
  double squares[SUMS] = {0};
  int i = 0;
  for (; i + SUMS <= count; i += SUMS) {
    for (int j = 0; j < SUMS; j++) {
      squares[j] += (double)x[i + j] * (double)x[i + j];
    }
  }
  double sum = 0;
  for (; i < count; i++) {
    sum += (double)x[i] * (double)x[i];
  }
  for (int j = 0; j < SUMS; j++) {
    sum += squares[j];
  }
  floats inverse = set((float)(1.0 / __builtin_sqrt(sum / count + (double)epsilon)));
  for (i = 0; i < count; i += LANES) {
    floats v = load_some(x + i, count - i) * inverse * load_some(gain + i, count - i);
    store_some(out + i, v, count - i);
  }
}

EXPORT(void, silu_gate)(const float *gate, const float *up, int count, float *out) {
  for (int i = 0; i < count; i += LANES) {
    floats g = greatest(set(-88.0f), load_some(gate + i, count - i));
    floats silu = g / (set(1.0f) + exponential(set(0.0f) - g));
    store_some(out + i, silu * load_some(up + i, count - i), count - i);
  }
}

EXPORT(void, squared_relu_gate)(const float *gate, const float *up, int count, float *out) {
  for (int i = 0; i < count; i += LANES) {
    floats g = greatest(set(0.0f), load_some(gate + i, count - i));
    store_some(out + i, g * g * load_some(up + i, count - i), count - i);
  }
}

EXPORT(void, add)(const float *x, int count, float *sum) {
  for (int i = 0; i < count; i += LANES) {
    store_some(sum + i, load_some(sum + i, count - i) + load_some(x + i, count - i), count - i);
  }
}

EXPORT(void, rotate)(float *heads, int count, const float *cosines, const float *sines,
                     int head_dim) {
  int half = head_dim / 2;
  for (int h = 0; h < count; h++, heads += head_dim) {
    for (int i = 0; i < half; i += LANES) {
      int some = half - i;
      floats cosine = load_some(cosines + i, some);
      floats sine = load_some(sines + i, some);
      floats low = load_some(heads + i, some);
      floats high = load_some(heads + half + i, some);
      store_some(heads + i, low * cosine - high * sine, some);
      store_some(heads + half + i, high * cosine + low * sine, some);
    }
  }
}

EXPORT(void, to_half)(const float *x, int count, uint16_t *halves) {
  int i = 0;
  for (; i + LANES <= count; i += LANES) {
    store_half(halves + i, load(x + i));
  }
  if (i < count) {
    uint16_t part[LANES];
    store_half(part, load_some(x + i, count - i));
    memcpy(halves + i, part, sizeof(uint16_t) * (size_t)(count - i));
  }
}

INLINE floats load_cached(const void *cache, int64_t index, const int half, int count) {
  if (!half) {
    return load_some((const float *)cache + index, count);
  }
  const uint16_t *p = (const uint16_t *)cache + index;
  if (count >= LANES) {
    return load_half(p);
  }
  uint16_t part[LANES] = {0};
  memcpy(part, p, sizeof(uint16_t) * (size_t)count);
  return load_half(part);
}

// Adds the products of `count` dimensions, at most LANES, of some positions.
INLINE void score_step(const int heads, const int positions, const float *queries,
                       const void *keys, int64_t index, const int half, int head_dim, int count,
                       floats (*sums)[4]) {
  UNROLL
  for (int p = 0; p < positions; p++) {
    floats key = load_cached(keys, index + (int64_t)p * head_dim, half, count);
    UNROLL
    for (int h = 0; h < heads; h++) {
      sums[h][p] = fma_floats(load_some(queries + h * head_dim, count), key, sums[h][p]);
    }
  }
}

// Scores of some heads at some positions, of which the first is given; a head's scores lie `stride`
// apart from the next one's. A key is loaded once for the heads, and there are enough sums that
// additions need not wait for each other.
INLINE void score_block(const int heads, const int count, const float *queries, const void *keys,
                        const int half, int first, int stride, int head_dim, float scale,
                        float *scores) {
  int64_t index = (int64_t)first * head_dim;
  floats sums[4][4];
  UNROLL
  for (int h = 0; h < heads; h++) {
    UNROLL
    for (int p = 0; p < count; p++) {
      sums[h][p] = set(0.0f);
    }
  }
  int d = 0;
  for (; d + LANES <= head_dim; d += LANES) {
    score_step(heads, count, queries + d, keys, index + d, half, head_dim, LANES, sums);
  }
  if (d < head_dim) {
    score_step(heads, count, queries + d, keys, index + d, half, head_dim, head_dim - d, sums);
  }
  UNROLL
  for (int h = 0; h < heads; h++) {
    UNROLL
    for (int p = 0; p < count; p++) {
      scores[(int64_t)h * stride + first + p] = sum_floats(sums[h][p]) * scale;
    }
  }
}

// Scores of some heads at all positions of a piece.
INLINE void score(const int heads, const float *queries, const void *keys, const int half,
                  int positions, int stride, int head_dim, float scale, float *scores) {
  const int together = heads == 1 ? 4 : 2;
  int p = 0;
  for (; p + together <= positions; p += together) {
    score_block(heads, together, queries, keys, half, p, stride, head_dim, scale, scores);
  }
  for (; p < positions; p++) {
    score_block(heads, 1, queries, keys, half, p, stride, head_dim, scale, scores);
  }
}

static float highest(const float *scores, int positions) {
  if (positions < LANES) {
    float top = scores[0];
    for (int p = 1; p < positions; p++) {
      top = scores[p] > top ? scores[p] : top;
    }
    return top;
  }
  floats top = load(scores);
  for (int p = LANES; p + LANES <= positions; p += LANES) {
    top = greatest(top, load(scores + p));
  }
  return greatest_float(greatest(top, load(scores + positions - LANES)));
}

// Replaces scores by their exponentials and returns the sum of them.
static float soften(float *scores, int positions) {
  floats top = set(highest(scores, positions));
  floats mass = set(0.0f);
  int p = 0;
  for (; p + LANES <= positions; p += LANES) {
    floats weight = exponential(load(scores + p) - top);
    store(scores + p, weight);
    mass = mass + weight;
  }
  float sum = sum_floats(mass);
  if (p < positions) {
    float part[LANES];
    store(part, exponential(load_some(scores + p, positions - p) - top));
    for (int i = 0; p + i < positions; i++) {
      scores[p + i] = part[i];
      sum += part[i];
    }
  }
  return sum;
}

// Keys or values in two pieces.
typedef struct {
  const void *rows[2];
  int counts[2];
  int total;
} pieces;

// The weighted sum of values in some vectors of dimensions, the last of which has `count`; a value
// is loaded once for the heads.
INLINE void gather_step(const int heads, const int vectors, const float *weights,
                        const pieces *values, const int half, int head_dim, int first, int count,
                        const float *masses, float *out) {
  floats sums[4][8];
  UNROLL
  for (int h = 0; h < heads; h++) {
    UNROLL
    for (int v = 0; v < vectors; v++) {
      sums[h][v] = set(0.0f);
    }
  }
  const float *weight = weights;
  for (int piece = 0; piece < 2; piece++) {
    const void *rows = values->rows[piece];
    for (int p = 0; p < values->counts[piece]; p++, weight++) {
      int64_t index = (int64_t)p * head_dim + first;
      UNROLL
      for (int v = 0; v < vectors; v++) {
        floats value = load_cached(rows, index + v * LANES, half, v + 1 < vectors ? LANES : count);
        UNROLL
        for (int h = 0; h < heads; h++) {
          sums[h][v] = fma_floats(set(weight[(int64_t)h * values->total]), value, sums[h][v]);
        }
      }
    }
  }
  UNROLL
  for (int h = 0; h < heads; h++) {
    floats inverse = set(1.0f / masses[h]);
    UNROLL
    for (int v = 0; v < vectors; v++) {
      store_some(out + (int64_t)h * head_dim + first + v * LANES, sums[h][v] * inverse,
                 v + 1 < vectors ? LANES : count);
    }
  }
}

INLINE void gather(const int heads, const float *weights, const pieces *values, const int half,
                   int head_dim, const float *masses, float *out) {
  const int wide = heads > 1 ? 2 : LANES < 8 ? 8 : 64 / LANES;
  int d = 0;
  for (; d + wide * LANES <= head_dim; d += wide * LANES) {
    gather_step(heads, wide, weights, values, half, head_dim, d, LANES, masses, out);
  }
  for (; d + 2 * LANES <= head_dim; d += 2 * LANES) {
    gather_step(heads, 2, weights, values, half, head_dim, d, LANES, masses, out);
  }
  for (; d < head_dim; d += LANES) {
    int count = head_dim - d < LANES ? head_dim - d : LANES;
    gather_step(heads, 1, weights, values, half, head_dim, d, count, masses, out);
  }
}

INLINE void attend_heads(const int heads, const float *queries, const pieces *keys,
                         const pieces *values, const int half, int head_dim, float scale,
                         float *scores, float *out) {
  float masses[4];
  score(heads, queries, keys->rows[0], half, keys->counts[0], keys->total, head_dim, scale,
        scores);
  score(heads, queries, keys->rows[1], half, keys->counts[1], keys->total, head_dim, scale,
        scores + keys->counts[0]);
  for (int h = 0; h < heads; h++) {
    masses[h] = soften(scores + (int64_t)h * keys->total, keys->total);
  }
  gather(heads, scores, values, half, head_dim, masses, out);
}

INLINE void attend_typed(const float *queries, int heads, const pieces *keys,
                         const pieces *values, const int half, int head_dim, float scale,
                         float *scores, float *out) {
  int h = 0;
  for (; h + 4 <= heads; h += 4) {
    attend_heads(4, queries + h * head_dim, keys, values, half, head_dim, scale,
                 scores + (int64_t)h * keys->total, out + h * head_dim);
  }
  for (; h < heads; h++) {
    attend_heads(1, queries + h * head_dim, keys, values, half, head_dim, scale,
                 scores + (int64_t)h * keys->total, out + h * head_dim);
  }
}

EXPORT(void, attend)(const float *queries, int heads, const void *shared_keys,
                     const void *shared_values, int shared, const void *keys, const void *values,
                     int own, int half, int head_dim, float scale, float *scores, float *out) {
  const pieces all_keys = {{shared_keys, keys}, {shared, own}, shared + own};
  const pieces all_values = {{shared_values, values}, {shared, own}, shared + own};
  if (half) {
    attend_typed(queries, heads, &all_keys, &all_values, 1, head_dim, scale, scores, out);
  } else {
    attend_typed(queries, heads, &all_keys, &all_values, 0, head_dim, scale, scores, out);
  }
}
