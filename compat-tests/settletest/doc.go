// Package settletest runs the real settle binary for tests: it builds
// settle/cmd/settle once per test run, starts servers on data directories of
// their own, and ends them by signal, so that tests see what an operator sees.
//
// A package that uses it runs its tests through [Main]:
//
//	func TestMain(m *testing.M) { os.Exit(settletest.Main(m)) }
package settletest
