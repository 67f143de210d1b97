// Package bench measures the real settle binary over HTTP, on the loopback
// interface and on the disk that holds the temporary directory. It asserts
// nothing about time or memory: those are the metrics that it reports.
//
//	go test -run '^$' -bench . ./compat-tests/bench
//
// SETTLE_BENCH_FEEDS (10,000) and SETTLE_BENCH_DATABASES (100,000) make the two
// large benchmarks smaller. The binary is built with the tag profile, which lets
// the benchmarks count the server's allocations; SETTLE_BENCH_PROFILES names a
// directory for heap and CPU profiles of it. Where SETTLE_BINARY names a binary
// that one is measured, without both.
package bench
