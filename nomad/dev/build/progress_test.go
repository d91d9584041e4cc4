//go:build linux

package build

import (
	"testing"
	"time"
)

func TestProgressLine(t *testing.T) {
	p := newProgress([]Tool{{Name: "nomad", CPUMinutes: 4}, {Name: "loki", CPUMinutes: 4}}, nil)
	if got, want := p.line(time.Second), "servers built            0 %"; got != want {
		t.Errorf("at first: %q, want %q", got, want)
	}
	p.start("nomad", 1600)
	for range 800 {
		p.compiled("nomad")
	}
	// 800 in 2 minutes; 800 of nomad and 1,200, by guess, of loki are left.
	if got, want := p.line(2*time.Minute), "servers built            28 %, about 5 minutes left: nomad 800 of 1600 packages"; got != want {
		t.Errorf("in the middle: %q, want %q", got, want)
	}
	p.built("nomad")
	p.start("loki", 900)
	if got, want := p.line(4*time.Minute), "servers built            47 %, about 4 minutes left: loki 0 of 900 packages"; got != want {
		t.Errorf("at last: %q, want %q", got, want)
	}
}
