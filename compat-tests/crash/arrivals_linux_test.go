package crash_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/emersion/go-smtp"

	"settle/compat-tests/settletest"
)

// TestNothingOfArrivalsReadable lets planted words arrive as uploads, deliveries and
// mail, and looks for them in the files of the server and of settle lmtp, and in what
// the two print: while something is on its way, after the server was killed, and later.
func TestNothingOfArrivalsReadable(t *testing.T) {
	tmp := t.TempDir()
	s := settletest.Start(t, settletest.Options{Env: []string{"TMPDIR=" + tmp}})
	c := client{s.AdminURL()}
	c.must(t, http.StatusCreated, "PUT", "/"+planted["database"], "")
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	c.must(t, http.StatusOK, "PUT", "/"+planted["database"]+"/_security", fmt.Sprintf(`{"recipients":[%q]}`, identity.Recipient()))
	mail := startMail(t, s, tmp)
	look := func(state string) {
		t.Helper()
		search(t, state, s.Dir(), tmp)
		for where, word := range planted {
			if shows([]byte(s.Output()), word) || shows(mail.printed(), word) {
				t.Errorf("%s: what is printed shows the planted %s", state, where)
			}
		}
	}
	plantUploads(t, c)
	deliver(t, c, planted["delivery"], http.StatusCreated, strings.Repeat(planted["content"]+" ", 10_000))
	deliver(t, c, planted["delivery"], http.StatusOK, strings.Repeat(planted["content"]+" ", 10_000))
	broken := breakOff(t, c)
	mail.sendWhileStopped(s)
	look("arrived")
	broken.Close()
	s.Kill()
	look("killed")
	s.Restart()
	c.must(t, http.StatusOK, "GET", "/"+planted["database"], "")
	s.Stop()
	look("ended")
	check(t, s)
}

// plantUploads makes an upload that is complete, and one that is not.
func plantUploads(t *testing.T, c client) {
	t.Helper()
	content := []byte(strings.Repeat(planted["upload"]+" ", 10_000))
	for _, part := range []int{len(content), len(content) / 2} {
		u := &upload{url: c.url + "/" + planted["database"] + "/_uploads"}
		status, _, err := u.send("POST", nil, "Upload-Length", fmt.Sprint(len(content)), "Upload-Metadata", "filename "+planted["upload metadata"])
		if err == nil && status == http.StatusCreated {
			status, _, err = u.patch(bytes.NewReader(content[:part]), 0)
		}
		if err != nil || status != http.StatusNoContent {
			t.Fatalf("%d, %v", status, err)
		}
	}
}

// parcel is a delivery with metadata.
func parcel(content string) (contentType, body string) {
	return "multipart/related; boundary=b", fmt.Sprintf("--b\r\nContent-Type: application/json\r\n\r\n{%q:%q}\r\n"+
		"--b\r\nContent-Type: text/plain\r\n\r\n%s\r\n--b--", planted["field"], planted["value"], content)
}

func deliver(t *testing.T, c client, id string, want int, content string) {
	t.Helper()
	contentType, body := parcel(content)
	req, err := http.NewRequest("PUT", c.url+"/"+planted["database"]+"/_delivery/"+id, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", contentType)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != want {
		t.Errorf("a delivery: %s, want %d", res.Status, want)
	}
}

// breakOff begins a delivery that does not go on.
func breakOff(t *testing.T, c client) io.Closer {
	t.Helper()
	contentType, body := parcel(strings.Repeat(planted["content"]+" ", 30_000))
	pr, pw := io.Pipe()
	req, err := http.NewRequest("PUT", c.url+"/"+planted["database"]+"/_delivery/broken", pr)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", contentType)
	go func() {
		if res, err := http.DefaultClient.Do(req); err == nil {
			res.Body.Close()
		}
	}()
	if _, err := io.WriteString(pw, body[:len(body)/2]); err != nil {
		t.Fatal(err)
	}
	return pr
}

// mailServer is a running settle lmtp.
type mailServer struct {
	t    *testing.T
	addr string
	cmd  *exec.Cmd
	out  *os.File // what it prints
}

func (m *mailServer) printed() []byte {
	m.t.Helper()
	text, err := os.ReadFile(m.out.Name())
	if err != nil || !bytes.Contains(text, []byte("taking mail")) {
		m.t.Errorf("settle lmtp has printed %q, %v", text, err)
	}
	return text
}

func startMail(t *testing.T, s *settletest.Server, tmp string) *mailServer {
	t.Helper()
	dir := t.TempDir()
	recipients := filepath.Join(dir, "recipients")
	if err := os.WriteFile(recipients, []byte("@ "+planted["database"]+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := os.Create(filepath.Join(dir, "out"))
	if err != nil {
		t.Fatal(err)
	}
	m := &mailServer{t: t, addr: filepath.Join(dir, "socket"), out: out}
	m.cmd = exec.Command(settletest.Binary(t), "lmtp", "--to", s.URL(), "--listen", "unix:"+m.addr, "--recipients", recipients, "--secret", filepath.Join(dir, "secret"))
	m.cmd.Env = append(os.Environ(), "TMPDIR="+tmp, "SETTLE_DELIVERER="+settletest.AdminName, "SETTLE_DELIVERER_PASSWORD="+settletest.AdminPassword)
	m.cmd.Stdout, m.cmd.Stderr = m.out, m.out
	if err := m.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.cmd.Process.Kill(); m.cmd.Wait(); out.Close() })
	return m
}

// sendWhileStopped sends a long message while the server rests, looks at where it is
// held meanwhile, and wants it to be accepted when the server goes on.
func (m *mailServer) sendWhileStopped(s *settletest.Server) {
	m.t.Helper()
	stop := func(signal syscall.Signal) {
		if err := syscall.Kill(s.Pid(), signal); err != nil {
			m.t.Fatal(err)
		}
	}
	stop(syscall.SIGSTOP)
	sent := make(chan error, 1)
	go func() { sent <- m.send() }()
	held := m.held()
	stop(syscall.SIGCONT)
	if err := <-sent; err != nil {
		m.t.Error(err)
	}
	for where, word := range planted {
		if shows(held, word) {
			m.t.Errorf("the spool shows the planted %s", where)
		}
	}
}

func (m *mailServer) send() error {
	var conn net.Conn
	err := errors.New("not listening")
	for range 200 {
		if conn, err = net.Dial("unix", m.addr); err == nil {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if err != nil {
		return err
	}
	defer conn.Close()
	lmtp := smtp.NewClientLMTP(conn)
	if err := errors.Join(lmtp.Hello("agent"), lmtp.Mail(planted["id"]+"@example.com", nil), lmtp.Rcpt(planted["local id"]+"@example.org", nil)); err != nil {
		return err
	}
	data, err := lmtp.Data()
	if err != nil {
		return err
	}
	_, err = io.WriteString(data, "From: "+planted["id"]+"@example.com\r\nSubject: "+planted["value"]+"\r\n\r\n"+strings.Repeat(planted["content"]+"\r\n", 40_000))
	return errors.Join(err, data.Close())
}

// held waits until the process holds a message in a file without a name, all of it, and
// returns the file.
func (m *mailServer) held() (raw []byte) {
	m.t.Helper()
	fds := fmt.Sprintf("/proc/%d/fd", m.cmd.Process.Pid)
	for range 1200 { // a minute
		err := filepath.WalkDir(fds, func(path string, d fs.DirEntry, err error) error {
			if target, _ := os.Readlink(path); strings.HasSuffix(target, " (deleted)") {
				raw, _ = os.ReadFile(path)
			}
			return nil
		})
		if err != nil {
			m.t.Fatal(err)
		}
		if len(raw) > 40_000*len(planted["content"]) {
			return raw
		}
		time.Sleep(50 * time.Millisecond)
	}
	m.t.Fatalf("settle lmtp holds %d bytes in a file", len(raw))
	return nil
}
