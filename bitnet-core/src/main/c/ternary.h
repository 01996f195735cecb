// The product with ternary weights: what is the same for all instruction sets. The set's file
// defines before it includes this:
//   floats, ints, LANES and what converts and stores them, load_half
//   tile_sums(tiles, tile, apart, chunks, activations, sums)
//                                                sums = weight * activation, of one token and a
//                                                tile or two, `apart` chunks apart
//   unpack(packed, chunks, unpacked)             one byte a weight, [4 * chunks][32][4]
// and, unless it has a matrix unit (tiles.h, which then brings multiply_tokens),
//   TOKENS_AT_ONCE, BLOCK_ROWS                   8 or 4, 16 or 32, as its registers allow
//   block_sums(tokens, unpacked, chunks, activations, stride, sums)
//                                                sums [tokens][rows / lanes] of BLOCK_ROWS rows,
//                                                of at most BLOCK_CHUNKS

enum {
  BLOCK_CHUNKS = 16, // 256 columns: 8 KiB unpacked stay in the first-level cache
  BLOCK_COLUMNS = BLOCK_CHUNKS * CHUNK_COLUMNS
};

// Four trits of a row, a byte each, plus one: one is added to each without a carry.
INLINE uint32_t four_trits(const int8_t *trits) {
  const uint32_t signs = 0x80808080;
  uint32_t four_trits;
  memcpy(&four_trits, trits, sizeof(four_trits));
  return ((four_trits & ~signs) + 0x01010101) ^ (four_trits & signs);
}

INLINE uint32_t pack_chunk(const int8_t *trits) {
  return four_trits(trits) | four_trits(trits + 4) << 2 | four_trits(trits + 8) << 4 |
         four_trits(trits + 12) << 6;
}

EXPORT(void, pack_tile)(const int8_t *trits, int columns, uint8_t *tile) {
  int whole = columns / CHUNK_COLUMNS;
  int rest = columns % CHUNK_COLUMNS;
  for (int row = 0; row < TILE_ROWS; row++, trits += columns) {
    uint8_t *words = tile + 4 * row;
    for (int chunk = 0; chunk < whole; chunk++) {
      uint32_t word = pack_chunk(trits + chunk * CHUNK_COLUMNS);
      memcpy(words + (int64_t)chunk * CHUNK_BYTES, &word, sizeof(word));
    }
    if (rest) {
      int8_t last[CHUNK_COLUMNS] = {0};
      memcpy(last, trits + whole * CHUNK_COLUMNS, (size_t)rest);
      uint32_t word = pack_chunk(last);
      memcpy(words + (int64_t)whole * CHUNK_BYTES, &word, sizeof(word));
    }
  }
}

// Turns sums over unsigned weights, which are trits plus one, into the result of one token.
INLINE void finish(const int32_t *sums, int32_t activation_sum, const float *scales,
                   float activation_scale, int rows, float *out) {
  for (int i = 0; i < rows; i++) {
    out[i] = (float)(sums[i] - activation_sum) * activation_scale * scales[i];
  }
}

// A group of columns of some tokens, and of a tile's scales.
typedef struct {
  const int8_t *activations;
  int stride;
  const int32_t *sums;  // of activations, by token
  const float *activation_scales;
  const uint16_t *scales;  // of the tile's rows
} token_group;

// Adds a group's sums of some rows of one token to the totals of the groups before it.
INLINE void add_group(const int vectors, const ints *sums, int32_t activation_sum,
                      const uint16_t *scales, float activation_scale, float *totals) {
  UNROLL
  for (int v = 0; v < vectors; v++) {
    floats part = multiply_floats(to_floats(subtract_ints(sums[v], set_int(activation_sum))),
                                  set(activation_scale));
    float *some = totals + v * LANES;
    store(some, fma_floats(part, load_half(scales + v * LANES), load(some)));
  }
}

#ifndef MATRIX_UNIT

enum {
  BLOCK_TOKENS = 64, // their activations stay in the second-level cache
  UNPACK_TOKENS = 4  // fewer are multiplied one by one sooner than weights are unpacked for them
};

INLINE void begin_products(int tokens) { (void)tokens; }
INLINE void end_products(int tokens) { (void)tokens; }

// Adds to the sums of some tokens, as many at a time as there are registers for.
INLINE int multiply_blocks(const int at_once, const uint8_t *unpacked, int chunks,
                           const int8_t *activations, int stride, int t, int tokens,
                           int32_t (*sums)[TILE_ROWS]) {
  for (; t + at_once <= tokens; t += at_once) {
    for (int row = 0; row < TILE_ROWS; row += BLOCK_ROWS) {
      ints products[TOKENS_AT_ONCE][BLOCK_ROWS / LANES];
      block_sums(at_once, unpacked + 4 * row, chunks, activations + (int64_t)t * stride, stride,
                 products);
      UNROLL
      for (int i = 0; i < at_once; i++) {
        UNROLL
        for (int v = 0; v < BLOCK_ROWS / LANES; v++) {
          int32_t *some = sums[t + i] + row + v * LANES;
          store_ints(some, add_ints(load_ints(some), products[i][v]));
        }
      }
    }
  }
  return t;
}

// Adds a group of columns to the totals of some tokens.
INLINE int multiply_group_blocks(const int at_once, const uint8_t *unpacked, int chunks,
                                 const token_group *group, int t, int tokens,
                                 float (*totals)[TILE_ROWS]) {
  for (; t + at_once <= tokens; t += at_once) {
    const int8_t *activations = group->activations + (int64_t)t * group->stride;
    for (int row = 0; row < TILE_ROWS; row += BLOCK_ROWS) {
      ints products[TOKENS_AT_ONCE][BLOCK_ROWS / LANES];
      block_sums(at_once, unpacked + 4 * row, chunks, activations, group->stride, products);
      UNROLL
      for (int i = 0; i < at_once; i++) {
        add_group(BLOCK_ROWS / LANES, products[i], group->sums[t + i], group->scales + row,
                  group->activation_scales[t + i], totals[t + i] + row);
      }
    }
  }
  return t;
}

#define MULTIPLY_BLOCKS(at_once)                                                                   \
  static OUTLINE int multiply_blocks_##at_once(const uint8_t *unpacked, int chunks,                \
                                               const int8_t *activations, int stride, int t,       \
                                               int tokens, int32_t(*sums)[TILE_ROWS]) {            \
    return multiply_blocks(at_once, unpacked, chunks, activations, stride, t, tokens, sums);       \
  }                                                                                                \
  static OUTLINE int multiply_group_blocks_##at_once(const uint8_t *unpacked, int chunks,          \
                                                     const token_group *group, int t, int tokens,  \
                                                     float(*totals)[TILE_ROWS]) {                  \
    return multiply_group_blocks(at_once, unpacked, chunks, group, t, tokens, totals);             \
  }

MULTIPLY_BLOCKS(1)
MULTIPLY_BLOCKS(2)
MULTIPLY_BLOCKS(4)
#if TOKENS_AT_ONCE >= 8
MULTIPLY_BLOCKS(8)
#endif

// Adds to the sums, or begins them.
static void multiply_tokens(int begins, const uint8_t *unpacked, int chunks,
                            const int8_t *activations, int stride, int tokens,
                            int32_t (*sums)[TILE_ROWS]) {
  int t = 0;
  if (begins) {
    memset(sums, 0, sizeof(sums[0]) * (size_t)tokens);
  }
#if TOKENS_AT_ONCE >= 8
  t = multiply_blocks_8(unpacked, chunks, activations, stride, t, tokens, sums);
#endif
  t = multiply_blocks_4(unpacked, chunks, activations, stride, t, tokens, sums);
  t = multiply_blocks_2(unpacked, chunks, activations, stride, t, tokens, sums);
  multiply_blocks_1(unpacked, chunks, activations, stride, t, tokens, sums);
}

// The same with the totals of a group of at most BLOCK_CHUNKS.
static void multiply_group_tokens(const uint8_t *unpacked, int chunks, const token_group *group,
                                  int tokens, float (*totals)[TILE_ROWS]) {
  int t = 0;
#if TOKENS_AT_ONCE >= 8
  t = multiply_group_blocks_8(unpacked, chunks, group, t, tokens, totals);
#endif
  t = multiply_group_blocks_4(unpacked, chunks, group, t, tokens, totals);
  t = multiply_group_blocks_2(unpacked, chunks, group, t, tokens, totals);
  multiply_group_blocks_1(unpacked, chunks, group, t, tokens, totals);
}

#endif

// One tile and up to BLOCK_TOKENS tokens; each block of columns is unpacked once for all of them.
static void multiply_tile_tokens(const uint8_t *tile, int chunks, const int8_t *activations,
                                 int stride, int tokens, int32_t (*sums)[TILE_ROWS]) {
  uint8_t unpacked[BLOCK_COLUMNS * TILE_ROWS] __attribute__((aligned(LINE_BYTES)));
  for (int chunk = 0; chunk < chunks; chunk += BLOCK_CHUNKS) {
    int count = chunks - chunk < BLOCK_CHUNKS ? chunks - chunk : BLOCK_CHUNKS;
    unpack(tile + (int64_t)chunk * CHUNK_BYTES, count, unpacked);
    multiply_tokens(chunk == 0, unpacked, count, activations + chunk * CHUNK_COLUMNS, stride,
                    tokens, sums);
  }
}

INLINE void multiply_tiles(const int tiles, const uint8_t *tile, int apart, int chunks,
                           const int8_t *activations, int32_t *sums) {
  ints products[2 * TILE_ROWS / LANES];
  tile_sums(tiles, tile, apart, chunks, activations, products);
  UNROLL
  for (int v = 0; v < tiles * TILE_ROWS / LANES; v++) {
    store_ints(sums + v * LANES, products[v]);
  }
}

static OUTLINE void multiply_pair(const uint8_t *tile, int chunks, const int8_t *activations,
                                  int32_t *sums) {
  multiply_tiles(2, tile, chunks, chunks, activations, sums);
}

static OUTLINE void multiply_tile(const uint8_t *tile, int chunks, const int8_t *activations,
                                  int32_t *sums) {
  multiply_tiles(1, tile, chunks, chunks, activations, sums);
}

// Two tiles, or the last one, and one token after the other; these are so few that the weights stay
// in a cache.
static void multiply_one_by_one(const uint8_t *tile, int rows, int chunks,
                                const int8_t *activations, int stride, int tokens,
                                int32_t (*sums)[TILE_ROWS]) {
  for (int t = 0; t < tokens; t++) {
    const int8_t *x = activations + (int64_t)t * stride;
    if (rows > TILE_ROWS) {
      multiply_pair(tile, chunks, x, sums[2 * t]);
    } else {
      multiply_tile(tile, chunks, x, sums[2 * t]);
    }
  }
}

EXPORT(void, ternary)
(const uint8_t *tiles, const float *scales, int columns, const int8_t *activations, int stride,
 const float *activation_scales, const int32_t *sums, int tokens, int first, int end, float *out,
 int out_stride) {
  int32_t products[BLOCK_TOKENS][TILE_ROWS] __attribute__((aligned(LINE_BYTES)));
  int chunks = (columns + CHUNK_COLUMNS - 1) / CHUNK_COLUMNS;
  begin_products(tokens);
  for (int token = 0; token < tokens; token += BLOCK_TOKENS) {
    int count = tokens - token < BLOCK_TOKENS ? tokens - token : BLOCK_TOKENS;
    int few = count < UNPACK_TOKENS;
    int height = few ? 2 * TILE_ROWS : TILE_ROWS;
    const int8_t *block = activations + (int64_t)token * stride;
    for (int row = first; row < end; row += height) {
      const uint8_t *tile = tiles + (int64_t)(row / TILE_ROWS) * chunks * CHUNK_BYTES;
      int rows = end - row < height ? end - row : height;
      if (few) {
        multiply_one_by_one(tile, rows, chunks, block, stride, count, products);
      } else {
        multiply_tile_tokens(tile, chunks, block, stride, count, products);
      }
      for (int t = 0; t < count; t++) {
        finish(products[few ? 2 * t : t], sums[token + t], scales + row,
               activation_scales[token + t], rows, out + (int64_t)(token + t) * out_stride + row);
      }
    }
  }
  end_products(tokens);
}

// What the groups of columns of some tokens have; those of a token are `capacity` apart.
typedef struct {
  int columns;
  int count;
  const float *scales;  // of activations
  const int32_t *sums;  // of activations
  int64_t capacity;
} column_groups;

// One token and a tile or two; scales [tile][group][32].
INLINE void multiply_grouped_tiles(const int tiles, const uint8_t *tile, const uint16_t *scales,
                                   const column_groups *groups, const int8_t *activations,
                                   float *totals) {
  int chunks = groups->columns / CHUNK_COLUMNS;
  int apart = chunks * groups->count;
  memset(totals, 0, sizeof(float) * (size_t)(tiles * TILE_ROWS));
  for (int g = 0; g < groups->count; g++) {
    enum { VECTORS = TILE_ROWS / LANES };
    ints products[2 * VECTORS];
    tile_sums(tiles, tile, apart, chunks, activations, products);
    UNROLL
    for (int i = 0; i < tiles; i++) {
      add_group(VECTORS, products + i * VECTORS, groups->sums[g * groups->capacity],
                scales + (int64_t)(i * groups->count + g) * TILE_ROWS,
                groups->scales[g * groups->capacity], totals + i * TILE_ROWS);
    }
    tile += (int64_t)chunks * CHUNK_BYTES;
    activations += groups->columns;
  }
}

static OUTLINE void multiply_grouped_pair(const uint8_t *tile, const uint16_t *scales,
                                          const column_groups *groups, const int8_t *activations,
                                          float *totals) {
  multiply_grouped_tiles(2, tile, scales, groups, activations, totals);
}

static OUTLINE void multiply_grouped_tile(const uint8_t *tile, const uint16_t *scales,
                                          const column_groups *groups, const int8_t *activations,
                                          float *totals) {
  multiply_grouped_tiles(1, tile, scales, groups, activations, totals);
}

static OUTLINE void add_groups(int32_t (*products)[TILE_ROWS], int tokens,
                               const token_group *group, float (*totals)[TILE_ROWS]) {
  enum { VECTORS = TILE_ROWS / LANES };
  for (int t = 0; t < tokens; t++) {
    ints sums[VECTORS];
    UNROLL
    for (int v = 0; v < VECTORS; v++) {
      sums[v] = load_ints(products[t] + v * LANES);
    }
    add_group(VECTORS, sums, group->sums[t], group->scales, group->activation_scales[t],
              totals[t]);
  }
}

// Adds a group of columns of one tile and up to BLOCK_TOKENS tokens to their totals.
static void multiply_group(const uint8_t *tile, int chunks, const token_group *group, int tokens,
                           float (*totals)[TILE_ROWS]) {
#ifndef MATRIX_UNIT
  if (chunks <= BLOCK_CHUNKS) {
    uint8_t unpacked[BLOCK_COLUMNS * TILE_ROWS] __attribute__((aligned(LINE_BYTES)));
    unpack(tile, chunks, unpacked);
    multiply_group_tokens(unpacked, chunks, group, tokens, totals);
    return;
  }
#endif
  int32_t products[BLOCK_TOKENS][TILE_ROWS] __attribute__((aligned(LINE_BYTES)));
  multiply_tile_tokens(tile, chunks, group->activations, group->stride, tokens, products);
  add_groups(products, tokens, group, totals);
}

// One tile and up to BLOCK_TOKENS tokens.
static void multiply_grouped_tokens(const uint8_t *tile, const uint16_t *scales,
                                    const column_groups *groups, const int8_t *activations,
                                    int stride, int tokens, float (*totals)[TILE_ROWS]) {
  int chunks = groups->columns / CHUNK_COLUMNS;
  memset(totals, 0, sizeof(totals[0]) * (size_t)tokens);
  for (int g = 0; g < groups->count; g++) {
    int64_t first = g * groups->capacity;
    token_group group = {activations + (int64_t)g * groups->columns, stride, groups->sums + first,
                         groups->scales + first, scales + (int64_t)g * TILE_ROWS};
    multiply_group(tile + (int64_t)g * chunks * CHUNK_BYTES, chunks, &group, tokens, totals);
  }
}

EXPORT(void, ternary_groups)
(const uint8_t *tiles, const uint16_t *scales, int columns, int group_columns,
 const int8_t *activations, int stride, const float *activation_scales, const int32_t *sums,
 int capacity, int tokens, int first, int end, float *out, int out_stride) {
  float totals[BLOCK_TOKENS][TILE_ROWS] __attribute__((aligned(LINE_BYTES)));
  int64_t tile_bytes = (int64_t)columns / CHUNK_COLUMNS * CHUNK_BYTES;
  begin_products(tokens);
  for (int token = 0; token < tokens; token += BLOCK_TOKENS) {
    int count = tokens - token < BLOCK_TOKENS ? tokens - token : BLOCK_TOKENS;
    int few = count < UNPACK_TOKENS;
    int height = few ? 2 * TILE_ROWS : TILE_ROWS;
    const int8_t *block = activations + (int64_t)token * stride;
    column_groups groups = {group_columns, columns / group_columns, activation_scales + token,
                            sums + token, capacity};
    for (int row = first; row < end; row += height) {
      const uint8_t *tile = tiles + row / TILE_ROWS * tile_bytes;
      const uint16_t *tile_scales = scales + (int64_t)row * groups.count;
      int rows = end - row < height ? end - row : height;
      if (!few) {
        multiply_grouped_tokens(tile, tile_scales, &groups, block, stride, count, totals);
      }
      for (int t = 0; t < count; t++) {
        float *line = few ? totals[0] : totals[t];
        if (few) {
          const int8_t *x = block + (int64_t)t * stride;
          column_groups of_token = groups;
          of_token.scales += t;
          of_token.sums += t;
          if (rows > TILE_ROWS) {
            multiply_grouped_pair(tile, tile_scales, &of_token, x, line);
          } else {
            multiply_grouped_tile(tile, tile_scales, &of_token, x, line);
          }
        }
        memcpy(out + (int64_t)(token + t) * out_stride + row, line, sizeof(float) * (size_t)rows);
      }
    }
  }
  end_products(tokens);
}
