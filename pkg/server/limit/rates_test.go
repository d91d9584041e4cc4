package limit

import (
	"testing"
)

func TestRatesForget(t *testing.T) {
	l := NewRates[int](1, 2)
	for i := range 3 * maxRates {
		l.Allow(i)
	}
	if len(l.m) > maxRates {
		t.Errorf("%d buckets are kept", len(l.m))
	}
}
