// 512-bit kernels whose products of several tokens the matrix unit computes: AMX TILE and INT8.

#define SET amx
#define MATRIX_UNIT
#include "avx512.h"
