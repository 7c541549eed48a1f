"""Row-major matrix products, and a norm, over the BLAS that SciPy brings.

This is the one file that knows which BLAS is used and how wide its integers are.
SciPy exports its BLAS as capsules, named after the C signatures of the functions. They
are looked up on import, because their integers are 32 bit in most builds of SciPy and
64 bit in some, and one wheel has to work with both.
"""

from cython cimport floating
from cpython.pycapsule cimport PyCapsule_GetName, PyCapsule_GetPointer
from libc.math cimport INFINITY, fabs, isfinite, isnan, sqrt
from libc.stdint cimport int64_t
from libc.string cimport memset

from scipy.linalg import cython_blas

ctypedef fused blas_int:
    int
    int64_t

ctypedef void (*gemm_function)(
    char *, char *, blas_int *, blas_int *, blas_int *, floating *, floating *,
    blas_int *, floating *, blas_int *, floating *, floating *, blas_int *
) noexcept nogil

ctypedef floating (*dot_function)(
    blas_int *, floating *, blas_int *, floating *, blas_int *
) noexcept nogil

cdef void *sgemm
cdef void *dgemm
cdef void *sdot
cdef void *ddot
cdef bint wide_integers


def integer_bits(signature):
    """Return the width in bits of the integers in the C signature of a gemm.

    The signature is like "void (char *, char *, int *, ...)".
    """
    arguments = signature.partition("(")[2].split(",")
    type_name = arguments[2].replace("*", "").strip() if len(arguments) > 2 else ""
    if type_name == "int":
        return 32
    if type_name == "int64_t":
        return 64
    raise ImportError(
        "cymlp needs a SciPy whose BLAS takes integers of type int or int64_t; "
        f"scipy.linalg.cython_blas has the signature {signature!r}"
    )


def use(capsules):
    """Set the BLAS functions from a dict of capsules; called on import with SciPy's."""
    global sgemm, dgemm, sdot, ddot, wide_integers
    signature = PyCapsule_GetName(capsules["sgemm"]).decode()
    wide_integers = integer_bits(signature) == 64
    sgemm, dgemm = pointer(capsules["sgemm"]), pointer(capsules["dgemm"])
    sdot, ddot = pointer(capsules["sdot"]), pointer(capsules["ddot"])


cdef void *pointer(capsule) except NULL:
    return PyCapsule_GetPointer(capsule, PyCapsule_GetName(capsule))


def largest_dimension():
    """Return the maximum number of rows or columns of a matrix given to BLAS."""
    return 2**63 - 1 if wide_integers else 2**31 - 1


# Up to this many multiplications, OpenBLAS does not pack the factors. With few columns,
# packing costs more than it saves: split into blocks of rows this small, the products
# of a 784-28-10 network take 0.6 to 0.75 of the time (benchmarks/README.md). Other BLAS
# libraries were not measured.
cdef Py_ssize_t MAX_SMALL_PRODUCT = 1_000_000
cdef Py_ssize_t MIN_ROWS = 12


cdef void call(
    void *function, bint transpose_A, bint transpose_B, blas_int m, blas_int n,
    blas_int k, const floating *A, blas_int A_stride, const floating *B,
    blas_int B_stride, floating beta, floating *C
) noexcept nogil:
    # Fortran reads a row-major matrix as its transpose. C^T = op(B)^T op(A)^T: the
    # factors are swapped, nothing is copied.
    cdef char *plain = b"N"
    cdef char *transposed = b"T"
    cdef floating one = 1
    (<gemm_function> function)(
        transposed if transpose_B else plain, transposed if transpose_A else plain,
        &n, &m, &k, &one, <floating *> B, &B_stride, <floating *> A, &A_stride, &beta,
        C, &n
    )


cdef void gemm(
    bint transpose_A, bint transpose_B, Py_ssize_t m, Py_ssize_t n, Py_ssize_t k,
    const floating *A, const floating *B, floating beta, floating *C
) noexcept nogil:
    cdef void *function = sgemm if floating is float else dgemm
    cdef Py_ssize_t A_stride = m if transpose_A else k
    cdef Py_ssize_t B_stride = k if transpose_B else n
    cdef Py_ssize_t index, start, rows, block
    if m == 0 or n == 0 or k == 0:
        # BLAS refuses rows of length 0.
        if beta == 0:
            memset(C, 0, m * n * sizeof(floating))
        return
    block = MAX_SMALL_PRODUCT // (n * k)
    if block < MIN_ROWS or block > m:
        block = m
    for index in range((m + block - 1) // block):
        start = index * block
        rows = min(block, m - start)
        if wide_integers:
            call(
                function, transpose_A, transpose_B, <int64_t> rows, <int64_t> n,
                <int64_t> k, A + start * (1 if transpose_A else k),
                <int64_t> A_stride, B, <int64_t> B_stride, beta, C + start * n
            )
        else:
            call(
                function, transpose_A, transpose_B, <int> rows, <int> n,
                <int> k, A + start * (1 if transpose_A else k), <int> A_stride, B,
                <int> B_stride, beta, C + start * n
            )


cdef floating sum_of_squares(
    void *function, blas_int count, const floating *x
) noexcept nogil:
    cdef blas_int one = 1
    return (<dot_function> function)(&count, <floating *> x, &one, <floating *> x, &one)


# Sums of so few squares lose few digits in float32, and the sums are added in double.
# This length also fits the integers of BLAS; the number of all parameters may not.
cdef Py_ssize_t MAX_SQUARES = 8192


cdef double norm(const floating *x, Py_ssize_t count) noexcept nogil:
    cdef void *function = sdot if floating is float else ddot
    cdef double total = 0
    cdef Py_ssize_t index, start, length
    for index in range((count + MAX_SQUARES - 1) // MAX_SQUARES):
        start = index * MAX_SQUARES
        length = min(MAX_SQUARES, count - start)
        if wide_integers:
            total += sum_of_squares(function, <int64_t> length, x + start)
        else:
            total += sum_of_squares(function, <int> length, x + start)
    if isnan(total) or min_square(sizeof(floating) == 4) <= total < INFINITY:
        return sqrt(total)
    return scaled_norm(x, count)


cdef double scaled_norm(const floating *x, Py_ssize_t count) noexcept nogil:
    """Compute the norm where squares of the values overflow or underflow."""
    cdef double largest = 0
    cdef double total = 0
    cdef Py_ssize_t i
    for i in range(count):
        largest = max(largest, fabs(x[i]))
    if largest == 0 or not isfinite(largest):
        return largest
    for i in range(count):
        total += (x[i] / largest) * (x[i] / largest)
    return largest * sqrt(total)


use(cython_blas.__pyx_capi__)
