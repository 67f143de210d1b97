package settletest

import (
	"os"
	"os/exec"
)

// Check stops the server if it runs and wants "settle check" to find its store
// sound; the test fails unless it does. It returns what the check printed.
func (s *Server) Check() string {
	s.t.Helper()
	if s.process.running() {
		s.Stop()
	}
	cmd := exec.Command(s.options.Binary, "check", "--data", s.options.Dir, "--identity", s.options.Identity)
	cmd.Env = append(os.Environ(), s.options.Env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		s.t.Errorf("settle check: %v; it printed:\n%s", err, out)
	}
	return string(out)
}
