// Attention of tokens. The set's file defines before it includes this, besides what floats.h needs:
//   sum_four(v, scale, out)                     of four vectors, each sum times the scale; adds in
//                                               the order of sum_floats
//   SUMS_AT_ONCE                                8 or 16 vectors of sums that its registers hold

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

// Scores of some heads at some positions; the first position is given. A key is loaded once for the
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
  const void *vectors;
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
        floats value = load_cached(values->vectors, index + v * LANES, half, some);
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
  const int most = LANES < 8 ? 8 : 64 / LANES;
  const int wide = SUMS_AT_ONCE / heads < most ? SUMS_AT_ONCE / heads : most;
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

// What the queries of a call have in common, and how they are computed.
typedef struct {
  piece keys[2];
  piece values[2];
  int common; // positions of both pieces
  int half;
  int head_dim;
  float scale;
} attention;

// Heads of a block that are of the same query, and what that query alone attends to.
typedef struct {
  int first;
  int heads; // 1, 2 or 4
  piece keys;
  piece values;
} query_heads;

// Up to four heads, of one query or of several.
typedef struct {
  int heads; // 1, 2 or 4
  const float *queries[4];
  float *out[4];
  float *scores[4];
  int runs;
  query_heads of_queries[4];
} head_block;

// Appends heads of one query to a block.
static void add_heads(const attention *all, head_block *block, const attention_query *query,
                      int head, int heads) {
  int own_common = all->keys[1].count;
  int64_t bytes = (int64_t)own_common * all->head_dim * (all->half ? 2 : 4);
  int rest = (int)query->own - own_common;
  for (int added = 0, some; added < heads; added += some) {
    some = heads - added >= 4 ? 4 : heads - added >= 2 ? 2 : 1;
    query_heads *run = &block->of_queries[block->runs++];
    run->first = block->heads;
    run->heads = some;
    run->keys = (piece){(const char *)query->keys + bytes, rest};
    run->values = (piece){(const char *)query->values + bytes, rest};
    for (int i = 0; i < some; i++, block->heads++) {
      int64_t offset = (int64_t)(head + added + i) * all->head_dim;
      block->queries[block->heads] = query->queries + offset;
      block->out[block->heads] = query->out + offset;
    }
  }
}

// Scores of some heads at positions after the first `place` ones.
static void score_piece(const attention *all, const head_block *block, int first, int heads,
                        piece keys, int place) {
  float *scores[4];
  for (int h = 0; h < heads; h++) {
    scores[h] = block->scores[first + h] + place;
  }
  loops_of(all->half, heads)
      .score(block->queries + first, keys.vectors, keys.count, all->head_dim, all->scale, scores);
}

// Begins to fetch what will be read from front to back; the processor then continues by itself.
static void fetch(const attention *all, piece vectors) {
  enum { BEGINNING = 1024 };
  int64_t bytes = (int64_t)vectors.count * all->head_dim * (all->half ? 2 : 4);
  for (int64_t i = 0; i < bytes && i < BEGINNING; i += LINE_BYTES) {
    __builtin_prefetch((const char *)vectors.vectors + i, 0, 2);
  }
}

// What queries share is read once for all heads, the rest once for the heads of each query.
static void attend_block(const attention *all, const head_block *block) {
  for (int r = 0; r < block->runs; r++) {
    fetch(all, block->of_queries[r].keys);
    fetch(all, block->of_queries[r].values);
  }
  score_piece(all, block, 0, block->heads, all->keys[0], 0);
  score_piece(all, block, 0, block->heads, all->keys[1], all->keys[0].count);
  float inverse_masses[4];
  float factors[4];
  float *weights[4];
  for (int r = 0; r < block->runs; r++) {
    const query_heads *run = &block->of_queries[r];
    score_piece(all, block, run->first, run->heads, run->keys, all->common);
    for (int h = run->first; h < run->first + run->heads; h++) {
      inverse_masses[h] = 1.0f / soften(block->scores[h], all->common + run->keys.count);
      factors[h] = run->keys.count > 0 ? 1.0f : inverse_masses[h];
      weights[h] = block->scores[h] + all->common;
    }
  }
  loops_of(all->half, block->heads)
      .gather(block->scores, all->values, 2, all->head_dim, 0, factors, block->out);
  for (int r = 0; r < block->runs; r++) {
    const query_heads *run = &block->of_queries[r];
    if (run->keys.count > 0) {
      loops_of(all->half, run->heads)
          .gather(weights + run->first, &run->values, 1, all->head_dim, 1,
                  inverse_masses + run->first, block->out + run->first);
    }
  }
}

EXPORT(void, attend)
(const attention_query *queries, int count, int heads, const void *shared_keys,
 const void *shared_values, int shared, int common, int half, int head_dim, float scale,
 float *scores) {
  const attention all = {
      {{shared_keys, shared}, {queries->keys, common}},
      {{shared_values, shared}, {queries->values, common}},
      shared + common,
      half,
      head_dim,
      scale,
  };
  int64_t most = 0;
  for (int r = 0; r < count; r++) {
    most = queries[r].own > most ? queries[r].own : most;
  }
  head_block block;
  for (int i = 0; i < 4; i++) {
    block.scores[i] = scores + i * (shared + most);
  }
  for (int first = 0; first < count * heads; first += block.heads) {
    int left = count * heads - first;
    int together = left >= 4 ? 4 : left >= 2 ? 2 : 1;
    block.heads = block.runs = 0;
    while (block.heads < together) {
      int head = (first + block.heads) % heads;
      int some = heads - head < together - block.heads ? heads - head : together - block.heads;
      add_heads(&all, &block, queries + (first + block.heads) / heads, head, some);
    }
    attend_block(&all, &block);
  }
}
