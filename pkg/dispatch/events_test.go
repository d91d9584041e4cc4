package dispatch

import (
	"testing"

	"fngen.dev/fngen/pkg/task"
)

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
