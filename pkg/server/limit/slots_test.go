package limit

import (
	"strings"
	"testing"
	"time"
)

// One key has so many uploads at a time, and leaves room for others.
func TestSlots(t *testing.T) {
	s := NewSlots(Places{"uploads", 4, 24, 10 * time.Millisecond})
	var leave []func()
	enter := func(key int64) error {
		l, err := s.Enter(t.Context(), key)
		if err == nil {
			leave = append(leave, l)
		}
		return err
	}
	for range s.Of {
		if err := enter(1); err != nil {
			t.Fatal(err)
		}
	}
	if err := enter(1); err == nil || !strings.Contains(err.Error(), "uploads of yours") {
		t.Errorf("%v", err)
	}
	for i := len(leave); i < s.All; i++ {
		if err := enter(int64(2 + i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := enter(1000); err == nil || strings.Contains(err.Error(), "uploads of yours") {
		t.Errorf("%v", err)
	}
	s.Wait = time.Minute
	done := make(chan error)
	first := leave[0]
	go func() { done <- enter(1000) }()
	first()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
