package nomad

import (
	"net"
	"testing"
	"time"

	"github.com/hashicorp/nomad/api"
)

// TestReadsEnd asks a node that takes each question and never answers.
func TestReadsEnd(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			defer conn.Close()
		}
	}()
	c, err := New("http://"+l.Addr().String(), "")
	if err != nil {
		t.Fatal(err)
	}
	printed := &lines{emit: func(string) {}}
	for name, call := range map[string]func(){
		"the end of a log": func() { c.tail(t.Context(), &api.AllocationListStub{ID: "a1"}, "app", "stdout") },
		"a log":            func() { c.pass(t.Context(), "hello", "a1", "app", "stdout", printed, true) },
		"a file": func() {
			if _, err := c.ReadFile(t.Context(), "hello", "a1", "app/x", 1000); err == nil {
				t.Error("no error")
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			done := make(chan struct{})
			go func() { defer close(done); call() }()
			select {
			case <-done:
			case <-time.After(readTime + time.Minute):
				t.Error("it waits for ever")
			}
		})
	}
}
