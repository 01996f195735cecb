// The product with ternary weights: what is the same for all instruction sets. The set's file
// defines before it includes this:
//   multiply_tiles(tiles, tile, chunks, activations, sums)
//                                                sums[32 * tiles] = weight * activation, of one
//                                                token and a tile or two that follow each other
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

static void multiply_tokens(const uint8_t *unpacked, int chunks, const int8_t *activations,
                            int stride, int tokens, int32_t (*sums)[TILE_ROWS]) {
  int t = 0;
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
  memset(sums, 0, sizeof(sums[0]) * (size_t)tokens);
  for (int chunk = 0; chunk < chunks; chunk += BLOCK_CHUNKS) {
    int count = chunks - chunk < BLOCK_CHUNKS ? chunks - chunk : BLOCK_CHUNKS;
    unpack(tile + (int64_t)chunk * CHUNK_BYTES, count, unpacked);
    multiply_tokens(unpacked, count, activations + chunk * CHUNK_COLUMNS, stride, tokens, sums);
  }
}

static OUTLINE void multiply_pair(const uint8_t *tile, int chunks, const int8_t *activations,
                                  int32_t *sums) {
  multiply_tiles(2, tile, chunks, activations, sums);
}

static OUTLINE void multiply_tile(const uint8_t *tile, int chunks, const int8_t *activations,
                                  int32_t *sums) {
  multiply_tiles(1, tile, chunks, activations, sums);
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
