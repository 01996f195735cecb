// The matrix unit as loops, for machines that have none: tile registers of 16 rows of 64 bytes, the
// only shape that tiles.h configures, and those instructions that it uses.

#include <immintrin.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  int8_t bytes[16][64];
} tile_register;

static tile_register tile_registers[8];
static int tiles_configured;

static inline void configure_loops(const void *shape) {
  uint8_t expected[64] = {1};
  for (int i = 0; i < 8; i++) {
    expected[16 + 2 * i] = 64;
    expected[48 + i] = 16;
  }
  if (memcmp(shape, expected, sizeof(expected))) {
    puts("tiles of another shape");
    exit(1);
  }
  tiles_configured = 1;
  memset(tile_registers, 0, sizeof(tile_registers));
}

static inline tile_register *configured_tile(int number) {
  if (!tiles_configured) {
    puts("a tile is used that is not configured");
    exit(1);
  }
  return &tile_registers[number];
}

static inline void load_tile(int number, const void *from, int64_t stride) {
  for (int row = 0; row < 16; row++) {
    memcpy(configured_tile(number)->bytes[row], (const int8_t *)from + row * stride, 64);
  }
}

static inline void store_tile(int number, void *to, int64_t stride) {
  for (int row = 0; row < 16; row++) {
    memcpy((int8_t *)to + row * stride, configured_tile(number)->bytes[row], 64);
  }
}

static inline void multiply_bytes(int sums, int left, int right, int right_is_signed) {
  const tile_register *a = configured_tile(left);
  const tile_register *b = configured_tile(right);
  for (int row = 0; row < 16; row++) {
    int32_t lanes[16];
    memcpy(lanes, configured_tile(sums)->bytes[row], sizeof(lanes));
    for (int k = 0; k < 64; k++) {
      for (int lane = 0; lane < 16; lane++) {
        int8_t code = b->bytes[k / 4][4 * lane + k % 4];
        lanes[lane] += a->bytes[row][k] * (right_is_signed ? code : (uint8_t)code);
      }
    }
    memcpy(configured_tile(sums)->bytes[row], lanes, sizeof(lanes));
  }
}

#undef _tile_loadconfig
#undef _tile_release
#undef _tile_zero
#undef _tile_loadd
#undef _tile_stored
#undef _tile_dpbsud
#undef _tile_dpbssd
#define _tile_loadconfig configure_loops
#define _tile_release() (tiles_configured = 0)
#define _tile_zero(number) memset(configured_tile(number), 0, sizeof(tile_register))
#define _tile_loadd load_tile
#define _tile_stored store_tile
#define _tile_dpbsud(sums, left, right) multiply_bytes(sums, left, right, 0)
#define _tile_dpbssd(sums, left, right) multiply_bytes(sums, left, right, 1)
