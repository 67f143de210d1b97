package postfix_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/smtp"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"filippo.io/age"

	"settle/compat-tests/settletest"
)

func TestMain(m *testing.M) { os.Exit(settletest.Main(m)) }

// delivery is how long all mail may take.
const delivery = 90 * time.Second

// TestPostfix sends mail through Postfix while the store, and what takes mail for it,
// end and start again, and wants every message in each recipient's database once.
func TestPostfix(t *testing.T) {
	if runtime.GOOS != "linux" || os.Getuid() != 0 {
		t.Skip("Postfix needs root, on Linux")
	}
	if _, err := exec.LookPath("postfix"); err != nil {
		t.Skip("Postfix is not installed: apt-get install postfix")
	}
	s := settletest.Start(t, settletest.Options{})
	b := newBox(t, s, "ada", "bob")
	lmtp := startLMTP(t, s)
	smtpAddr := startPostfix(t, lmtp.addr)

	b.send(smtpAddr, plain(b.next(), "plain"))
	b.send(smtpAddr, withAttachment(b.next(), 20_000))
	b.send(smtpAddr, plain(b.next(), "grüße: 8 bit ö\xff"))
	b.send(smtpAddr, withAttachment(b.next(), 18<<20)) // 25 MB in base64
	b.awaitAll()

	s.Stop()
	for range 5 {
		b.send(smtpAddr, plain(b.next(), "while the store is down"))
	}
	time.Sleep(2 * time.Second)
	s.Restart()
	b.awaitAll()

	for i := range 30 {
		b.send(smtpAddr, withAttachment(b.next(), 300_000))
		switch i % 10 {
		case 4:
			s.Kill()
			s.Restart()
		case 8:
			lmtp.restart()
		}
	}
	b.awaitAll()
	s.Stop()
	s.Check()
	s.Restart()
}

// box is the databases of some recipients, and what was sent to them.
type box struct {
	t        *testing.T
	server   *settletest.Server
	identity *age.X25519Identity
	names    []string
	sent     int
	found    map[string]string // "database document": marker
}

func newBox(t *testing.T, s *settletest.Server, names ...string) *box {
	t.Helper()
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	b := &box{t: t, server: s, identity: identity, names: names, found: map[string]string{}}
	for _, name := range names {
		b.request("PUT", "/"+name, "")
		b.request("PUT", "/"+name+"/_security", fmt.Sprintf(`{"deliverers":{"names":[%q]},"recipients":[%q]}`, settletest.AdminName, identity.Recipient()))
	}
	return b
}

// request returns the answer to a request.
func (b *box) request(method, path, body string) []byte {
	b.t.Helper()
	req, err := http.NewRequest(method, b.server.AdminURL()+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode >= 300 {
		b.t.Fatalf("%s %s: %d %s, %v", method, path, res.StatusCode, answer, err)
	}
	return answer
}

// next returns a word that stands in one message only.
func (b *box) next() string {
	b.sent++
	return fmt.Sprintf("marker-%d-end", b.sent)
}

// send gives a message to Postfix, which has it when send returns.
func (b *box) send(addr, message string) {
	b.t.Helper()
	var to []string
	for _, name := range b.names {
		to = append(to, name+"@settle.test")
	}
	if err := smtp.SendMail(addr, nil, "sender@example.com", to, []byte(message)); err != nil {
		b.t.Fatal(err)
	}
}

// awaitAll waits until everything that was sent is there, and wants nothing twice.
func (b *box) awaitAll() {
	b.t.Helper()
	var seen map[string]int
	for end := time.Now().Add(delivery); time.Now().Before(end); time.Sleep(300 * time.Millisecond) {
		seen = map[string]int{}
		for _, name := range b.names {
			b.look(name, seen)
		}
		if len(seen) >= b.sent*len(b.names) {
			break
		}
	}
	for n := 1; n <= b.sent; n++ {
		for _, name := range b.names {
			if key := fmt.Sprintf("%s marker-%d-end", name, n); seen[key] != 1 {
				b.t.Errorf("%s is there %d times", key, seen[key])
			}
		}
	}
	if b.t.Failed() {
		b.t.FailNow()
	}
}

// look counts the messages of a database by their markers.
func (b *box) look(name string, seen map[string]int) {
	b.t.Helper()
	var list struct{ Rows []struct{ ID string } }
	if err := json.Unmarshal(b.request("GET", "/"+name+"/_all_docs", ""), &list); err != nil {
		b.t.Fatal(err)
	}
	for _, row := range list.Rows {
		key := name + " " + row.ID
		if b.found[key] == "" {
			b.found[key] = b.marker(name, row.ID)
		}
		seen[name+" "+b.found[key]]++
	}
}

// marker opens a message and returns its marker.
func (b *box) marker(name, id string) string {
	b.t.Helper()
	r, err := age.Decrypt(bytes.NewReader(b.request("GET", "/"+name+"/"+id+"/content.age", "")), b.identity)
	if err != nil {
		b.t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		b.t.Fatal(err)
	}
	var doc struct{ Sealed []byte }
	if err := json.Unmarshal(b.request("GET", "/"+name+"/"+id, ""), &doc); err != nil {
		b.t.Fatal(err)
	}
	if r, err = age.Decrypt(bytes.NewReader(doc.Sealed), b.identity); err != nil {
		b.t.Fatal(err)
	}
	var about struct{ Metadata struct{ Subject string } }
	if err := json.NewDecoder(r).Decode(&about); err != nil {
		b.t.Fatal(err)
	}
	if !bytes.Contains(text, []byte("\r\nBody of "+about.Metadata.Subject+"\r\n")) || !bytes.HasSuffix(text, []byte("\r\nthe end\r\n")) {
		b.t.Fatalf("%s of %s is not whole: %d bytes", about.Metadata.Subject, name, len(text))
	}
	return about.Metadata.Subject
}

func plain(marker, text string) string {
	return "From: sender@example.com\r\nTo: ada@settle.test\r\nSubject: " + marker + "\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n" +
		"Content-Transfer-Encoding: 8bit\r\n\r\nBody of " + marker + "\r\n" + text + "\r\n.dots\r\n..\r\nthe end\r\n"
}

// withAttachment has so many random bytes attached.
func withAttachment(marker string, size int) string {
	raw := make([]byte, size)
	source := rand.NewChaCha8([32]byte{1})
	source.Read(raw)
	text := base64.StdEncoding.EncodeToString(raw)
	var lines strings.Builder
	for len(text) > 0 {
		n := min(76, len(text))
		lines.WriteString(text[:n] + "\r\n")
		text = text[n:]
	}
	return "From: sender@example.com\r\nSubject: " + marker + "\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" +
		"Content-Type: text/plain\r\n\r\nBody of " + marker + "\r\n\r\n--b\r\nContent-Type: application/octet-stream\r\nContent-Disposition: attachment; filename=a.bin\r\n" +
		"Content-Transfer-Encoding: base64\r\n\r\n" + lines.String() + "--b--\r\nthe end\r\n"
}

// lmtpServer is a running "settle lmtp".
type lmtpServer struct {
	t    *testing.T
	args []string
	url  string
	addr string
	cmd  *exec.Cmd
}

func startLMTP(t *testing.T, s *settletest.Server) *lmtpServer {
	t.Helper()
	dir := t.TempDir()
	recipients := filepath.Join(dir, "recipients")
	if err := os.WriteFile(recipients, []byte("@settle.test {local}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	l := &lmtpServer{t: t, addr: freeAddress(t), url: s.URL()}
	l.args = []string{"lmtp", "--to", l.url, "--listen", l.addr, "--recipients", recipients, "--secret", filepath.Join(dir, "secret")}
	l.start()
	t.Cleanup(func() { l.cmd.Process.Kill(); l.cmd.Wait() })
	return l
}

func (l *lmtpServer) start() {
	l.t.Helper()
	l.cmd = exec.Command(settletest.Binary(l.t), l.args...)
	l.cmd.Env = append(os.Environ(), "SETTLE_DELIVERER="+settletest.AdminName, "SETTLE_DELIVERER_PASSWORD="+settletest.AdminPassword)
	if err := l.cmd.Start(); err != nil {
		l.t.Fatal(err)
	}
	for range 100 {
		if conn, err := net.Dial("tcp", l.addr); err == nil {
			conn.Close()
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	l.t.Fatal("settle lmtp does not listen")
}

// restart ends the process as a crash would, and starts it again.
func (l *lmtpServer) restart() {
	l.t.Helper()
	l.cmd.Process.Signal(syscall.SIGKILL)
	l.cmd.Wait()
	l.start()
}

func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

const mainCF = `compatibility_level = 3.6
queue_directory = DIR/spool
data_directory = DIR/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
myhostname = relay.test
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
smtpd_recipient_restrictions = permit_mynetworks, reject
alias_maps =
alias_database =
virtual_mailbox_domains = settle.test
virtual_transport = lmtp:inet:LMTP
message_size_limit = 60000000
mailbox_size_limit = 0
virtual_mailbox_limit = 0
queue_run_delay = 1s
minimal_backoff_time = 1s
maximal_backoff_time = 2s
transport_retry_time = 1s
maillog_file = DIR/log
maillog_file_prefixes = DIR
`

const masterCF = `SMTP inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 1 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
local unix - n n - - local
virtual unix - n n - - virtual
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
`

// startPostfix runs an instance of its own, and returns where it takes mail.
func startPostfix(t *testing.T, lmtp string) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "settle-postfix-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	addr := freeAddress(t)
	replace := strings.NewReplacer("DIR", dir, "LMTP", lmtp, "SMTP", addr)
	for _, err := range []error{
		os.Chmod(dir, 0o755), os.Mkdir(dir+"/spool", 0o755), os.Mkdir(dir+"/data", 0o700), os.Mkdir(dir+"/conf", 0o755),
		os.WriteFile(dir+"/conf/main.cf", []byte(replace.Replace(mainCF)), 0o644),
		os.WriteFile(dir+"/conf/master.cf", []byte(replace.Replace(masterCF)), 0o644),
		exec.Command("chown", "postfix", dir+"/data").Run(),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	run := func(args ...string) ([]byte, error) {
		return exec.Command("postfix", append([]string{"-c", dir + "/conf"}, args...)...).CombinedOutput()
	}
	if out, err := run("start"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Cleanup(func() {
		run("abort")
		if log, err := os.ReadFile(dir + "/log"); err == nil && t.Failed() {
			t.Logf("%s", log[max(0, len(log)-6000):])
		}
	})
	for range 100 {
		if conn, err := net.Dial("tcp", addr); err == nil {
			conn.Close()
			return addr
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatal("Postfix does not listen")
	return ""
}
