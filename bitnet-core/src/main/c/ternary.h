// The product with ternary weights: what is the same for all instruction sets. The set's file
// defines before it includes this:
//   multiply_tiles(tiles, tile, apart, chunks, activations, sums)
//                                                sums[32 * tiles] = weight * activation, of one
//                                                token and a tile or two, `apart` chunks apart
//   unpack(packed, chunks, unpacked)             one byte a weight, [4 * chunks][32][4]
// and, unless it has a matrix unit (tiles.h, which then brings multiply_tokens),
//   TOKENS_AT_ONCE                               8 or 4, as its registers allow
//   multiply_block(tokens, unpacked, chunks, activations, stride, sums)
//                                                adds to sums[tokens][32]; at most BLOCK_CHUNKS

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

#ifndef MATRIX_UNIT

enum {
  BLOCK_TOKENS = 64, // their activations stay in the second-level cache
  UNPACK_TOKENS = 4  // fewer are multiplied one by one sooner than weights are unpacked for them
};

INLINE void begin_products(int tokens) { (void)tokens; }
INLINE void end_products(int tokens) { (void)tokens; }

#define MULTIPLY_BLOCK(tokens)                                                                     \
  static OUTLINE void multiply_block_##tokens(const uint8_t *unpacked, int chunks,                 \
                                              const int8_t *activations, int stride,               \
                                              int32_t(*sums)[TILE_ROWS]) {                         \
    multiply_block(tokens, unpacked, chunks, activations, stride, sums);                           \
  }

MULTIPLY_BLOCK(1)
MULTIPLY_BLOCK(2)
MULTIPLY_BLOCK(4)
#if TOKENS_AT_ONCE >= 8
MULTIPLY_BLOCK(8)
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
  for (; t + 8 <= tokens; t += 8) {
    multiply_block_8(unpacked, chunks, activations + (int64_t)t * stride, stride, sums + t);
  }
#endif
  for (; t + 4 <= tokens; t += 4) {
    multiply_block_4(unpacked, chunks, activations + (int64_t)t * stride, stride, sums + t);
  }
  if (t + 2 <= tokens) {
    multiply_block_2(unpacked, chunks, activations + (int64_t)t * stride, stride, sums + t);
    t += 2;
  }
  if (t < tokens) {
    multiply_block_1(unpacked, chunks, activations + (int64_t)t * stride, stride, sums + t);
  }
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

// Adds a group's result of one token to that of the groups before it.
INLINE void add_group(const int32_t *restrict sums, int32_t activation_sum,
                      const float *restrict scales, float activation_scale,
                      float *restrict totals) {
  for (int i = 0; i < TILE_ROWS; i++) {
    float part = (float)(sums[i] - activation_sum) * activation_scale;
    totals[i] = __builtin_fmaf(part, scales[i], totals[i]);
  }
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
INLINE void multiply_grouped_tiles(const int tiles, const uint8_t *tile, const float *scales,
                                   const column_groups *groups, const int8_t *activations,
                                   float *totals) {
  int chunks = groups->columns / CHUNK_COLUMNS;
  int apart = chunks * groups->count;
  memset(totals, 0, sizeof(float) * (size_t)(tiles * TILE_ROWS));
  for (int g = 0; g < groups->count; g++) {
    int32_t products[2 * TILE_ROWS] __attribute__((aligned(LINE_BYTES)));
    multiply_tiles(tiles, tile, apart, chunks, activations, products);
    UNROLL
    for (int i = 0; i < tiles; i++) {
      add_group(products + i * TILE_ROWS, groups->sums[g * groups->capacity],
                scales + (int64_t)(i * groups->count + g) * TILE_ROWS,
                groups->scales[g * groups->capacity], totals + i * TILE_ROWS);
    }
    tile += (int64_t)chunks * CHUNK_BYTES;
    activations += groups->columns;
  }
}

static OUTLINE void multiply_grouped_pair(const uint8_t *tile, const float *scales,
                                          const column_groups *groups, const int8_t *activations,
                                          float *totals) {
  multiply_grouped_tiles(2, tile, scales, groups, activations, totals);
}

static OUTLINE void multiply_grouped_tile(const uint8_t *tile, const float *scales,
                                          const column_groups *groups, const int8_t *activations,
                                          float *totals) {
  multiply_grouped_tiles(1, tile, scales, groups, activations, totals);
}

// One tile and up to BLOCK_TOKENS tokens.
static OUTLINE void add_groups(int32_t (*products)[TILE_ROWS], int tokens, const int32_t *sums,
                               const float *activation_scales, const float *scales,
                               float (*totals)[TILE_ROWS]) {
  for (int t = 0; t < tokens; t++) {
    add_group(products[t], sums[t], scales, activation_scales[t], totals[t]);
  }
}

static void multiply_grouped_tokens(const uint8_t *tile, const float *scales,
                                    const column_groups *groups, const int8_t *activations,
                                    int stride, int tokens, float (*totals)[TILE_ROWS]) {
  int32_t products[BLOCK_TOKENS][TILE_ROWS] __attribute__((aligned(LINE_BYTES)));
  int chunks = groups->columns / CHUNK_COLUMNS;
  memset(totals, 0, sizeof(totals[0]) * (size_t)tokens);
  for (int g = 0; g < groups->count; g++) {
    multiply_tile_tokens(tile, chunks, activations, stride, tokens, products);
    int64_t first = g * groups->capacity;
    add_groups(products, tokens, groups->sums + first, groups->scales + first,
               scales + (int64_t)g * TILE_ROWS, totals);
    tile += (int64_t)chunks * CHUNK_BYTES;
    activations += groups->columns;
  }
}

EXPORT(void, ternary_groups)
(const uint8_t *tiles, const float *scales, int columns, int group_columns,
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
      const float *tile_scales = scales + (int64_t)row * groups.count;
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
