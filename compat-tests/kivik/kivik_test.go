package kivik_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"os"
	"os/exec"
	"testing"
	"time"

	client "github.com/go-kivik/kivik/v4"
	_ "github.com/go-kivik/kivik/v4/couchdb" // the driver
	_ "github.com/go-kivik/kivik/v4/kiviktest/client"
	_ "github.com/go-kivik/kivik/v4/kiviktest/db"
	"github.com/go-kivik/kivik/v4/kiviktest/kt"

	"settle/compat-tests/kivik"
	"settle/compat-tests/settletest"
)

var updatePending = flag.Bool("update-pending", false, "rewrite pending.json from what fails now")

const (
	pendingFile = "pending.json"

	// These make a child of this test binary run the suites.
	adminURLVariable = "SETTLE_KIVIK_ADMIN_URL"
	urlVariable      = "SETTLE_KIVIK_URL"

	childLimit = "5m"
	childGrace = 6 * time.Minute // beyond which not even its end is waited for
)

func TestMain(m *testing.M) { os.Exit(settletest.Main(m)) }

// TestKivik runs kivik's suites against the settle binary. Their configuration
// goes by the names of subtests, so that they must run right below this test.
func TestKivik(t *testing.T) {
	if os.Getenv(urlVariable) != "" {
		runSuites(t, os.Getenv(adminURLVariable), os.Getenv(urlVariable))
		return
	}
	text, err := os.ReadFile(pendingFile)
	if err != nil {
		t.Fatal(err)
	}
	pending, err := kivik.ParsePending(text)
	if err != nil {
		t.Fatalf("%s: %v", pendingFile, err)
	}
	server := settletest.Start(t, settletest.Options{})
	outcomes := runChild(t, server)
	verdicts := kivik.Judge(outcomes, pending)
	if *updatePending {
		rewrite(t, kivik.UpdatePending(verdicts))
	} else {
		report(t, verdicts)
	}
	for _, key := range kivik.Unused(kivik.Profile(server.URL()), outcomes) {
		t.Errorf("the profile's %s is for no subtest", key)
	}
	t.Logf("settle check: %s", server.Check())
	t.Logf("subtests of kivik: %v", kivik.Count(verdicts))
}

func runSuites(t *testing.T, adminURL, url string) {
	kt.RunSubtests(t, &kt.Context{
		RW:     true,
		Admin:  connect(t, adminURL),
		NoAuth: connect(t, url),
		Config: kivik.Profile(url),
	})
}

func connect(t *testing.T, url string) *client.Client {
	t.Helper()
	c, err := client.New("couch", url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// runChild runs the suites in another process of this test binary.
func runChild(t *testing.T, server *settletest.Server) []kivik.Outcome {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), childGrace)
	defer cancel()
	cmd := exec.CommandContext(ctx, self, "-test.run=^TestKivik$", "-test.v=test2json", "-test.parallel=8", "-test.timeout="+childLimit)
	cmd.Env = append(os.Environ(), adminURLVariable+"="+server.AdminURL(), urlVariable+"="+server.URL())
	cmd.SysProcAttr = settletest.GroupOfItsOwn()
	var out, complaints bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaints
	err = cmd.Run()
	// The status is 1 where a subtest failed.
	if exit := new(exec.ExitError); err != nil && !(errors.As(err, &exit) && exit.ExitCode() == 1) {
		t.Errorf("running the suites: %v; the end of what was printed:\n%s%s", err, tail(out.Bytes()), tail(complaints.Bytes()))
	}
	outcomes := kivik.ParseOutcomes(out.Bytes())
	if len(outcomes) == 0 {
		t.Fatal("the suites did not run")
	}
	return outcomes
}

func tail(b []byte) []byte { return b[max(0, len(b)-4096):] }

// report shows every subtest as one of this test.
func report(t *testing.T, verdicts []kivik.Verdict) {
	for _, v := range verdicts {
		switch {
		case v.Name == "" && v.Problem != "":
			t.Errorf("the run %s\n%s", v.Problem, v.Log)
		case v.Name == "" || v.Above && v.Problem == "":
			// subtests say it all
		default:
			t.Run(v.Name, func(t *testing.T) { tell(t, v) })
		}
	}
}

func tell(t *testing.T, v kivik.Verdict) {
	switch {
	case v.Problem != "":
		t.Errorf("%s\n%s", v.Problem, v.Log)
	case v.Feature != "":
		t.Skipf("waits for %s", v.Feature)
	}
}

func rewrite(t *testing.T, list []kivik.Pending) {
	t.Helper()
	text, err := kivik.FormatPending(list)
	if err == nil {
		err = os.WriteFile(pendingFile, text, 0o644)
	}
	if err != nil {
		t.Error(err)
	}
}
