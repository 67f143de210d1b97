package settletest

import (
	"regexp"
	"sync"
)

// outputLimit bounds what is kept of a process's output; the beginning goes first.
const outputLimit = 1 << 20

var listening = regexp.MustCompile(`listening on (https?://[^\s"]+)`)

// output collects what a process prints and finds the address in it.
type output struct {
	mu      sync.Mutex
	text    []byte
	address chan string // receives the first address
	found   bool
}

func newOutput() *output { return &output{address: make(chan string, 1)} }

// Write implements io.Writer.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text = append(o.text, p...)
	if !o.found {
		if m := listening.FindSubmatchIndex(o.text); m != nil && m[1] < len(o.text) { // something follows: the address is whole
			o.found = true
			o.address <- string(o.text[m[2]:m[3]])
		}
	}
	if over := len(o.text) - outputLimit; over > 0 {
		o.text = append([]byte(nil), o.text[over:]...)
	}
	return len(p), nil
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return string(o.text)
}
