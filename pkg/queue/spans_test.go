package queue

import (
	"math/rand/v2"
	"testing"
)

// TestSpans compares what is known of answers with a set, whatever their order.
func TestSpans(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		var a answers
		set := map[uint64]bool{}
		for range 100 {
			tag := 1 + r.Uint64N(60)
			set[tag] = true
			a.add(tag)
			want := uint64(0)
			for set[want+1] {
				want++
			}
			if got := a.all(); got != want {
				t.Fatalf("all are answered up to %d, not %d: %v", want, got, a.spans)
			}
			for i, s := range a.spans {
				if s.from > s.to || i > 0 && a.spans[i-1].to+1 >= s.from {
					t.Fatalf("%v", a.spans)
				}
			}
		}
	}
}
