/* The plain kernels without Python, for compilers and processors without it.
 * Values are read from standard input and written to standard output, in the
 * precision that the first argument names:
 *
 *     f32 exp 1000                       x -> exp(x)
 *     f64 dense 15 37 8                  n, n_in and stride: A (n, n_in), W,
 *                                        velocity, bias, D -> U, W, velocity
 */
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* simd.h then takes the branch for a compiler without vectors. */
#ifdef WITHOUT_VECTORS
#undef __GNUC__
#endif
#include "kernel_set.c"

static const cymlp_kernels *kernels;
static size_t value_size;

static void fail(const char *message) {
  fprintf(stderr, "%s\n", message);
  exit(EXIT_FAILURE);
}

static void *reserve(ptrdiff_t count) {
  void *values = calloc((size_t)count, value_size);
  if (values == NULL) fail("there is not enough memory");
  return values;
}

static void *receive(ptrdiff_t count) {
  void *values = reserve(count);
  if (fread(values, value_size, (size_t)count, stdin) != (size_t)count)
    fail("there are not enough values");
  return values;
}

static void deliver(const void *values, ptrdiff_t count) {
  if (fwrite(values, value_size, (size_t)count, stdout) != (size_t)count)
    fail("the values cannot be written");
}

static void evaluate(const char *name, ptrdiff_t count) {
  const struct {
    const char *name;
    void (*function)(const void *x, void *y, ptrdiff_t count);
  } functions[] = {{"exp", kernels->exp},   {"expm1", kernels->expm1},
                   {"log", kernels->log},   {"log1p", kernels->log1p},
                   {"tanh", kernels->tanh}, {"erfc", kernels->erfc}};
  void *x = receive(count);
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
    if (strcmp(functions[i].name, name) == 0) {
      functions[i].function(x, x, count);
      deliver(x, count);
    }
  free(x);
}

/* Forward, and a step of gradient descent. */
static void dense(ptrdiff_t n, ptrdiff_t n_in, ptrdiff_t stride) {
  char *A = receive(n * n_in);
  void *W = receive(n_in * stride);
  void *velocity = receive(n_in * stride);
  void *bias = receive(stride);
  void *D = receive(n * stride);
  void *U = reserve(n * stride);
  const void **rows = malloc((size_t)n * sizeof *rows);
  if (rows == NULL) fail("there is not enough memory");
  for (ptrdiff_t i = 0; i < n; i++)
    rows[i] = A + (size_t)(i * n_in) * value_size;

  kernels->dense_forward(rows, n, 0, n_in, W, bias, U, stride);
  const cymlp_step step = {W, velocity, NULL, 0.9, 0.01, 0.1, 0.0};
  kernels->dense_backward(rows, n, 0, n_in, D, stride, &step);

  deliver(U, n * stride);
  deliver(W, n_in * stride);
  deliver(velocity, n_in * stride);
  free(A), free(W), free(velocity), free(bias), free(D), free(U), free(rows);
}

int main(int argc, char **argv) {
  if (argc != 4 && argc != 6) fail("see above for the arguments");
  const int is_f32 = strcmp(argv[1], "f32") == 0;
  kernels = is_f32 ? &SET_OF(CYMLP_ISA).f32 : &SET_OF(CYMLP_ISA).f64;
  value_size = is_f32 ? sizeof(float) : sizeof(double);
  if (argc == 4)
    evaluate(argv[2], atoi(argv[3]));
  else
    dense(atoi(argv[3]), atoi(argv[4]), atoi(argv[5]));
}
