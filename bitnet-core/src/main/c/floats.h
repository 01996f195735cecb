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
//   sum_four(v, scale, out)                     of four vectors, each sum times the scale; adds in
//                                               the order of sum_floats
//   SUMS_AT_ONCE                                8 or 16 vectors of sums that its registers hold
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

// Adds the products of `count` dimensions, at most LANES, from d on, of some positions.
INLINE void score_step(const int heads, const int positions, const float *const *queries,
                       const void *keys, int64_t index, int d, const int half, int head_dim,
                       int count, floats (*sums)[4]) {
  UNROLL
  for (int p = 0; p < positions; p++) {
    floats key = load_cached(keys, index + (int64_t)p * head_dim + d, half, count);
    UNROLL
    for (int h = 0; h < heads; h++) {
      sums[h][p] = fma_floats(load_some(queries[h] + d, count), key, sums[h][p]);
    }
  }
}

// Scores of some heads at some positions, of which the first is given. A key is loaded once for the
// heads, and there are enough sums that additions need not wait for each other.
INLINE void score_block(const int heads, const int count, const float *const *queries,
                        const void *keys, const int half, int first, int head_dim, float scale,
                        float *const *scores) {
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
    score_step(heads, count, queries, keys, index, d, half, head_dim, LANES, sums);
  }
  if (d < head_dim) {
    score_step(heads, count, queries, keys, index, d, half, head_dim, head_dim - d, sums);
  }
  UNROLL
  for (int h = 0; h < heads; h++) {
    if (count == 4) {
      sum_four(sums[h], scale, scores[h] + first);
    } else {
      UNROLL
      for (int p = 0; p < count; p++) {
        scores[h][first + p] = sum_floats(sums[h][p]) * scale;
      }
    }
  }
}

// Scores of some heads at consecutive positions.
INLINE void score(const int heads, const float *const *queries, const void *keys, const int half,
                  int positions, int head_dim, float scale, float *const *scores) {
  const int together = heads * 4 <= SUMS_AT_ONCE ? 4 : SUMS_AT_ONCE / heads;
  int p = 0;
  for (; p + together <= positions; p += together) {
    score_block(heads, together, queries, keys, half, p, head_dim, scale, scores);
  }
  for (; p < positions; p++) {
    score_block(heads, 1, queries, keys, half, p, head_dim, scale, scores);
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

// Values at consecutive positions.
typedef struct {
  const void *rows;
  int count;
} piece;

// The sum of values, each times its weight, in some vectors of dimensions, the last of which has
// `count`; it is added to what is in `out`, or begins at nothing, and is then multiplied by a
// factor. A value is loaded once for the heads.
INLINE void gather_step(const int heads, const int vectors, float *const *weights,
                        const piece *values, int pieces, const int half, int head_dim, int first,
                        int count, int added, const float *factors, float *const *out) {
  floats sums[4][8];
  UNROLL
  for (int h = 0; h < heads; h++) {
    UNROLL
    for (int v = 0; v < vectors; v++) {
      int some = v + 1 < vectors ? LANES : count;
      sums[h][v] = added ? load_some(out[h] + first + v * LANES, some) : set(0.0f);
    }
  }
  int place = 0;
  for (; pieces > 0; pieces--, values++) {
    for (int p = 0; p < values->count; p++, place++) {
      int64_t index = (int64_t)p * head_dim + first;
      UNROLL
      for (int v = 0; v < vectors; v++) {
        int some = v + 1 < vectors ? LANES : count;
        floats value = load_cached(values->rows, index + v * LANES, half, some);
        UNROLL
        for (int h = 0; h < heads; h++) {
          sums[h][v] = fma_floats(set(weights[h][place]), value, sums[h][v]);
        }
      }
    }
  }
  UNROLL
  for (int h = 0; h < heads; h++) {
    floats factor = set(factors[h]);
    UNROLL
    for (int v = 0; v < vectors; v++) {
      store_some(out[h] + first + v * LANES, sums[h][v] * factor, v + 1 < vectors ? LANES : count);
    }
  }
}

INLINE void gather(const int heads, float *const *weights, const piece *values, int pieces,
                   const int half, int head_dim, int added, const float *factors,
                   float *const *out) {
  const int wide = SUMS_AT_ONCE / heads < 64 / LANES ? SUMS_AT_ONCE / heads
                   : LANES < 8                       ? 8
                                                     : 64 / LANES;
  int d = 0;
  for (; d + wide * LANES <= head_dim; d += wide * LANES) {
    gather_step(heads, wide, weights, values, pieces, half, head_dim, d, LANES, added, factors,
                out);
  }
  for (; d + 2 * LANES <= head_dim; d += 2 * LANES) {
    gather_step(heads, 2, weights, values, pieces, half, head_dim, d, LANES, added, factors, out);
  }
  for (; d < head_dim; d += LANES) {
    int count = head_dim - d < LANES ? head_dim - d : LANES;
    gather_step(heads, 1, weights, values, pieces, half, head_dim, d, count, added, factors, out);
  }
}

// The hot loops, each with all registers for itself.
#define ATTENTION(heads, type, half)                                                            \
  static OUTLINE void score_##heads##_##type(const float *const *queries, const void *keys,     \
                                             int positions, int head_dim, float scale,          \
                                             float *const *scores) {                            \
    score(heads, queries, keys, half, positions, head_dim, scale, scores);                      \
  }                                                                                             \
  static OUTLINE void gather_##heads##_##type(float *const *weights, const piece *values,       \
                                              int pieces, int head_dim, int added,              \
                                              const float *factors, float *const *out) {        \
    gather(heads, weights, values, pieces, half, head_dim, added, factors, out);                \
  }

ATTENTION(1, fp32, 0)
ATTENTION(2, fp32, 0)
ATTENTION(4, fp32, 0)
ATTENTION(1, fp16, 1)
ATTENTION(2, fp16, 1)
ATTENTION(4, fp16, 1)

typedef struct {
  void (*score)(const float *const *queries, const void *keys, int positions, int head_dim,
                float scale, float *const *scores);
  void (*gather)(float *const *weights, const piece *values, int pieces, int head_dim, int added,
                 const float *factors, float *const *out);
} attention_loops;

// For one, two or four heads.
static attention_loops loops_of(int half, int heads) {
  static const attention_loops loops[2][3] = {
    {{score_1_fp32, gather_1_fp32}, {score_2_fp32, gather_2_fp32}, {score_4_fp32, gather_4_fp32}},
    {{score_1_fp16, gather_1_fp16}, {score_2_fp16, gather_2_fp16}, {score_4_fp16, gather_4_fp16}},
  };
  return loops[half][heads / 2];
}

// Up to four heads, of one row or of several.
typedef struct {
  int heads; // 1, 2 or 4
  const attention_row *rows[4];
  const float *queries[4];
  float *out[4];
  float *scores[4];
} head_block;

// What the rows of a call have in common, and how they are computed.
typedef struct {
  piece keys;
  piece values;
  int common;
  int half;
  int head_dim;
  float scale;
} attention;

// How many heads from the given one on are of the same row: 4, 2 or 1.
static int heads_of_row(const head_block *block, int first) {
  int run = 1;
  while (first + run < block->heads && block->rows[first + run] == block->rows[first]) {
    run++;
  }
  return run == 3 ? 2 : run;
}

// Begins to fetch what will be read from front to back; the processor then goes on by itself.
static void fetch(const char *rows, int64_t bytes) {
  enum { BEGINNING = 1024 };
  for (int64_t i = 0; i < bytes && i < BEGINNING; i += LINE_BYTES) {
    __builtin_prefetch(rows + i, 0, 2);
  }
}

// Positions that all rows have are read once for all heads, the others of each row once for its own.
static void attend_block(const attention *all, const head_block *block) {
  const int64_t row_bytes = (int64_t)all->head_dim * (all->half ? 2 : 4);
  const int64_t own_bytes = all->common * row_bytes;
  attention_loops together = loops_of(all->half, block->heads);
  const piece values[2] = {all->values, {block->rows[0]->values, all->common}};
  float *scores[4];
  float inverse_masses[4];
  float factors[4];
  int run;
  for (int h = 0; h < block->heads; h += run) {
    const attention_row *row = block->rows[h];
    run = heads_of_row(block, h);
    fetch((const char *)row->keys + own_bytes, (row->own - all->common) * row_bytes);
    fetch((const char *)row->values + own_bytes, (row->own - all->common) * row_bytes);
  }
  together.score(block->queries, all->keys.rows, all->keys.count, all->head_dim, all->scale,
                 block->scores);
  for (int h = 0; h < block->heads; h++) {
    scores[h] = block->scores[h] + all->keys.count;
  }
  together.score(block->queries, block->rows[0]->keys, all->common, all->head_dim, all->scale,
                 scores);
  for (int h = 0; h < block->heads; h += run) {
    const attention_row *row = block->rows[h];
    int rest = (int)row->own - all->common;
    run = heads_of_row(block, h);
    for (int i = h; i < h + run; i++) {
      scores[i] += all->common;
    }
    loops_of(all->half, run)
        .score(block->queries + h, (const char *)row->keys + own_bytes, rest, all->head_dim,
               all->scale, scores + h);
    for (int i = h; i < h + run; i++) {
      inverse_masses[i] = 1.0f / soften(block->scores[i], all->keys.count + (int)row->own);
      factors[i] = rest > 0 ? 1.0f : inverse_masses[i];
    }
  }
  together.gather(block->scores, values, 2, all->head_dim, 0, factors, block->out);
  for (int h = 0; h < block->heads; h += run) {
    const attention_row *row = block->rows[h];
    const piece rest = {(const char *)row->values + own_bytes, (int)row->own - all->common};
    run = heads_of_row(block, h);
    if (rest.count > 0) {
      loops_of(all->half, run)
          .gather(scores + h, &rest, 1, all->head_dim, 1, inverse_masses + h, block->out + h);
    }
  }
}

EXPORT(void, attend)(const attention_row *rows, int count, int heads, const void *shared_keys,
                     const void *shared_values, int shared, int common, int half, int head_dim,
                     float scale, float *scores) {
  const attention all = {
    {shared_keys, shared}, {shared_values, shared}, common, half, head_dim, scale,
  };
  int64_t most = 0;
  for (int r = 0; r < count; r++) {
    most = rows[r].own > most ? rows[r].own : most;
  }
  head_block block;
  for (int first = 0; first < count * heads; first += block.heads) {
    int left = count * heads - first;
    block.heads = left >= 4 ? 4 : left >= 2 ? 2 : 1;
    for (int i = 0; i < block.heads; i++) {
      const attention_row *row = rows + (first + i) / heads;
      int64_t offset = (int64_t)((first + i) % heads) * head_dim;
      block.rows[i] = row;
      block.queries[i] = row->queries + offset;
      block.out[i] = row->out + offset;
      block.scores[i] = scores + i * (shared + most);
    }
    attend_block(&all, &block);
  }
}
