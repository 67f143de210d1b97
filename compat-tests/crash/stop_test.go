package crash_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"settle/compat-tests/settletest"
)

// TestStopAmidHungWork ends the server by SIGTERM while a client sends the beginning of
// an attachment and no more, and an index runs a function that never ends. It exits with
// 0, in time for whoever supervises it, and what was acknowledged is there.
func TestStopAmidHungWork(t *testing.T) {
	s := settletest.Start(t, settletest.Options{})
	c := client{s.AdminURL()}
	c.must(t, http.StatusCreated, "PUT", "/db", "")
	c.must(t, http.StatusCreated, "PUT", "/db/doc", `{"kept":true}`)
	c.must(t, http.StatusCreated, "PUT", "/db/_design/endless", `{"views":{"v":{"map":"function (doc) { while (true); }"}}}`)

	content, hung := io.Pipe()
	defer hung.Close()
	answered := make(chan int, 2)
	go func() { answered <- statusOf(t, "PUT", c.url+"/db/upload/file", content) }()
	if _, err := io.Copy(hung, strings.NewReader(strings.Repeat("x", 1<<20))); err != nil { // returns when it is sent
		t.Fatal(err)
	}
	go func() { answered <- statusOf(t, "GET", c.url+"/db/_design/endless/_view/v", nil) }()
	time.Sleep(500 * time.Millisecond)
	select {
	case early := <-answered:
		t.Fatalf("answered with %d before the server was to stop", early)
	default:
	}
	s.Stop()
	hung.CloseWithError(io.ErrUnexpectedEOF)
	for range cap(answered) {
		if got := <-answered; got == http.StatusOK || got == http.StatusCreated {
			t.Errorf("what hung is answered with %d", got)
		}
	}
	s.Restart()
	if doc := c.must(t, http.StatusOK, "GET", "/db/doc", ""); doc.body["kept"] != true {
		t.Errorf("the document is %v", doc.body)
	}
	c.must(t, http.StatusNotFound, "GET", "/db/upload", "")
	s.Stop()
	check(t, s)
}

// statusOf sends a request; 0 stands for no answer.
func statusOf(t *testing.T, method, url string, body io.Reader) int {
	req, err := http.NewRequest(method, url, body)
	if err != nil {
		t.Error(err)
		return 0
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0
	}
	defer res.Body.Close()
	return res.StatusCode
}
