package attacks_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// answer is what the server has answered.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// patience is how long an answer may take.
const patience = 30 * time.Second

// request returns the text of a request, whose parts are sent as they are.
func request(method, target, body string, headers ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: fort.example\r\n", method, target)
	for _, h := range headers {
		b.WriteString(h + "\r\n")
	}
	if body != "" {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(body))
	}
	b.WriteString("Connection: close\r\n\r\n" + body)
	return b.String()
}

// send sends a text to the server and returns all answers, until it closes the
// connection.
func (f *fort) send(text string) []answer { return f.exchange(text, false) }

// sendAndEnd does the same, and ends its own side of the connection behind the text.
func (f *fort) sendAndEnd(text string) []answer { return f.exchange(text, true) }

func (f *fort) exchange(text string, end bool) []answer {
	f.t.Helper()
	conn, err := net.Dial("tcp", f.addr)
	if err != nil {
		f.t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	go func() { // the server may answer, and close, before it has read all
		io.WriteString(conn, text)
		if end {
			conn.(*net.TCPConn).CloseWrite()
		}
	}()
	method, _, _ := strings.Cut(text, " ")
	var answers []answer
	for r := bufio.NewReader(conn); ; method = "" {
		res, err := http.ReadResponse(r, &http.Request{Method: method})
		if err != nil {
			return answers // the connection is closed, by both or by the deadline
		}
		body, err := io.ReadAll(res.Body)
		if err != nil {
			f.t.Errorf("%.60q: the answer breaks off: %v", text, err)
		}
		answers = append(answers, answer{res.StatusCode, res.Header, body})
		if res.Close {
			return answers
		}
	}
}

// ask sends one request, which must have one answer.
func (f *fort) ask(text string) answer {
	f.t.Helper()
	answers := f.send(text)
	if len(answers) != 1 {
		f.t.Fatalf("%.100q has %d answers", text, len(answers))
	}
	return answers[0]
}
