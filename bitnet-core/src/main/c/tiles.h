// Products of several tokens in the matrix unit, AMX. Its tile registers hold 16 rows of 64 bytes
// here. A product of two adds to 16 x 16 sums: the left side has rows of 64 columns as they lie in
// memory, the right side four columns of 16 others in a row.
//
// GCC's intrinsics (12) do not say that they read memory: what was written before has to be there.

enum {
  TILE_SIDE = 16,
  TILE_COLUMNS = 64,
  TILE_CHUNKS = TILE_COLUMNS / CHUNK_COLUMNS,
  BLOCK_TOKENS = 128, // weights are unpacked once for so many
  UNPACK_TOKENS = 3,
  MOST_HEAD_COLUMNS = 4096 // of which 16 tokens are reordered: 64 of the 80 KiB of stack that
                           // native code is sure of
};

#define WRITTEN() __asm__ volatile("" : : : "memory")

INLINE void begin_products(int tokens) {
  if (tokens < UNPACK_TOKENS) {
    return;
  }
  struct {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
  } shape = {.palette = 1};
  for (int i = 0; i < 8; i++) {
    shape.row_bytes[i] = TILE_COLUMNS;
    shape.rows[i] = TILE_SIDE;
  }
  WRITTEN();
  _tile_loadconfig(&shape);
}

INLINE void end_products(int tokens) {
  if (tokens >= UNPACK_TOKENS) {
    _tile_release();
  }
}

// Adds to the sums [16 * token_tiles][32], or begins them. Activations are the left side and weights, as unpack()
// writes them, the right one.
INLINE void multiply_block(const int token_tiles, const int begins, const uint8_t *unpacked,
                           int chunks, const int8_t *activations, int stride,
                           int32_t (*sums)[TILE_ROWS]) {
  WRITTEN();
  if (begins) {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
  } else {
    _tile_loadd(0, sums[0], sizeof(sums[0]));
    _tile_loadd(1, sums[0] + TILE_SIDE, sizeof(sums[0]));
    if (token_tiles > 1) {
      _tile_loadd(2, sums[TILE_SIDE], sizeof(sums[0]));
      _tile_loadd(3, sums[TILE_SIDE] + TILE_SIDE, sizeof(sums[0]));
    }
  }
  for (int c = 0; c < chunks; c += TILE_CHUNKS) {
    _tile_loadd(4, activations, stride);
    _tile_loadd(6, unpacked, CHUNK_BYTES);
    _tile_dpbsud(0, 4, 6);
    _tile_loadd(7, unpacked + TILE_COLUMNS, CHUNK_BYTES);
    _tile_dpbsud(1, 4, 7);
    if (token_tiles > 1) {
      _tile_loadd(5, activations + (int64_t)TILE_SIDE * stride, stride);
      _tile_dpbsud(2, 5, 6);
      _tile_dpbsud(3, 5, 7);
    }
    activations += TILE_COLUMNS;
    unpacked += TILE_COLUMNS * TILE_ROWS;
  }
  _tile_stored(0, sums[0], sizeof(sums[0]));
  _tile_stored(1, sums[0] + TILE_SIDE, sizeof(sums[0]));
  if (token_tiles > 1) {
    _tile_stored(2, sums[TILE_SIDE], sizeof(sums[0]));
    _tile_stored(3, sums[TILE_SIDE] + TILE_SIDE, sizeof(sums[0]));
  }
}

#define MULTIPLY_BLOCK(name, token_tiles, begins)                                          \
  static OUTLINE void name(const uint8_t *unpacked, int chunks, const int8_t *activations, \
                           int stride, int32_t(*sums)[TILE_ROWS]) {                        \
    multiply_block(token_tiles, begins, unpacked, chunks, activations, stride, sums);      \
  }

MULTIPLY_BLOCK(add_block_16, 1, 0)
MULTIPLY_BLOCK(add_block_32, 2, 0)
MULTIPLY_BLOCK(begin_block_16, 1, 1)
MULTIPLY_BLOCK(begin_block_32, 2, 1)

// Behind the last token, up to a multiple of 16, whatever lies there is multiplied in vain.
static void multiply_tokens(int begins, const uint8_t *unpacked, int chunks,
                            const int8_t *activations, int stride, int tokens,
                            int32_t (*sums)[TILE_ROWS]) {
  for (int t = 0; t < tokens; t += 2 * TILE_SIDE) {
    const int8_t *x = activations + (int64_t)t * stride;
    if (t + TILE_SIDE < tokens) {
      (begins ? begin_block_32 : add_block_32)(unpacked, chunks, x, stride, sums + t);
    } else {
      (begins ? begin_block_16 : add_block_16)(unpacked, chunks, x, stride, sums + t);
    }
  }
}

// 32 rows of 8-bit weights, the left side, with up to 16 tokens, `words` [stride / 4][16].
static OUTLINE void int8_tiles(const int8_t *weights, int stride, const int32_t *words,
                               int32_t (*sums)[TILE_SIDE]) {
  const int8_t *lower = weights + (int64_t)TILE_SIDE * stride;
  WRITTEN();
  _tile_zero(0);
  _tile_zero(1);
  for (int k = 0; k < stride; k += TILE_COLUMNS) {
    for (int row = 0; row < 2 * TILE_SIDE; row++) {
      __builtin_prefetch(weights + (int64_t)(2 * TILE_SIDE + row) * stride + k);
    }
    _tile_loadd(6, words + k / 4 * TILE_SIDE, TILE_COLUMNS);
    _tile_loadd(4, weights + k, stride);
    _tile_dpbssd(0, 4, 6);
    _tile_loadd(5, lower + k, stride);
    _tile_dpbssd(1, 5, 6);
  }
  _tile_stored(0, sums[0], sizeof(sums[0]));
  _tile_stored(1, sums[TILE_SIDE], sizeof(sums[0]));
}

// Multiplies as many rows as are a multiple of 32 and returns the first of the others.
static int int8_in_tiles(const int8_t *weights, const float *scales, const int8_t *activations,
                         int stride, const float *activation_scales, int tokens, int first, int end,
                         float *out, int out_stride) {
  if (tokens < UNPACK_TOKENS || end - first < 2 * TILE_SIDE || stride > MOST_HEAD_COLUMNS) {
    return first;
  }
  int32_t words[MOST_HEAD_COLUMNS / 4 * TILE_SIDE] __attribute__((aligned(LINE_BYTES)));
  int32_t sums[2 * TILE_SIDE][TILE_SIDE] __attribute__((aligned(LINE_BYTES)));
  int whole = first + (end - first) / (2 * TILE_SIDE) * (2 * TILE_SIDE);
  begin_products(tokens);
  for (int token = 0; token < tokens; token += TILE_SIDE) {
    int count = tokens - token < TILE_SIDE ? tokens - token : TILE_SIDE;
    for (int k = 0; k < stride; k += 4) {
      for (int t = 0; t < TILE_SIDE; t++) {
        memcpy(words + k / 4 * TILE_SIDE + t, activations + (int64_t)(token + t) * stride + k, 4);
      }
    }
    for (int row = first; row < whole; row += 2 * TILE_SIDE) {
      int8_tiles(weights + (int64_t)row * stride, stride, words, sums);
      for (int t = 0; t < count; t++) {
        for (int r = 0; r < 2 * TILE_SIDE; r++) {
          out[(int64_t)(token + t) * out_stride + row + r] =
              (float)sums[r][t] * activation_scales[token + t] * scales[row + r];
        }
      }
    }
  }
  end_products(tokens);
  return whole;
}
