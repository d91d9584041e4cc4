package dispatch

import (
	"strings"
	"testing"

	"fngen.dev/fngen/pkg/task"
)

// TestOnePossibleEvent: what cannot be read of a message takes nothing else of it along.
func TestOnePossibleEvent(t *testing.T) {
	id, _ := task.NewID()
	one := `{"id":"` + id + `","attempt":1,"state":"running","at":"2026-11-28T05:00:00Z"`
	for _, bad := range []string{`{"id":"x"}`, one + `,"server":"\u0000"}`, one + `,"allocation":"` + strings.Repeat("a", maxPlace+1) + `"}`} {
		events, err := readEvents([]byte(`{"events":[` + bad + `,` + one + `}]}`))
		if len(events) != 1 || events[0].ID != id || err == nil {
			t.Errorf("beside %s: %+v, %v", bad, events, err)
		}
	}
}

// FuzzReadEvents holds that whatever an agent sends is read or refused, and that what is
// read is possible.
func FuzzReadEvents(f *testing.F) {
	id, _ := task.NewID()
	f.Add([]byte(`{"events":[{"id":"` + id + `","attempt":1,"state":"running","at":"2026-11-28T05:00:00Z"}]}`))
	f.Add([]byte(`{"events":[{"id":"x"}]}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		events, _ := readEvents(body)
		for _, e := range events {
			if !task.ValidID(e.ID) || e.Attempt < 1 || e.State == task.Queued || !e.State.Valid() {
				t.Errorf("read %+v", e)
			}
		}
	})
}
