"""Native code: compilation and its cache, BLAS, SIMD and threads. docs/native_code.md says more."""
