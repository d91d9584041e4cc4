package program

import (
	"encoding/json"
	"io"
	"strings"
	"testing"
)

// TestOrdersAreReadWhole holds that nothing of the orders is left, whatever their
// length: a rest would let the program begin before the agent has given up root.
func TestOrdersAreReadWhole(t *testing.T) {
	for length := range 2000 {
		r, w := io.Pipe()
		sent := orders{Path: strings.Repeat("x", length)}
		written := make(chan error, 1)
		go func() { written <- json.NewEncoder(w).Encode(sent) }()
		got, err := readOrders(r)
		r.Close() // fails a write of which something is left
		if err != nil || got.Path != sent.Path {
			t.Fatalf("of %d bytes: read %d, %v", length, len(got.Path), err)
		}
		if err := <-written; err != nil {
			t.Fatalf("of %d bytes: a rest was not read: %v", length, err)
		}
	}
}
