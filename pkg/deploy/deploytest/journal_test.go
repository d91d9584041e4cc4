package deploytest

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/store"
)

// diary is a journal in memory.
type diary struct {
	mu        sync.Mutex
	text      strings.Builder
	forgotten []int64
	broken    bool
}

func (d *diary) Say(_ store.Project, function, release, level, text string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.text.WriteString(strings.Join([]string{level, function, release, text}, "|") + "\n")
}

func (d *diary) Forget(_ context.Context, p store.Project) (time.Time, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.broken {
		return time.Time{}, errors.New("Loki is away")
	}
	d.forgotten = append(d.forgotten, p.ID)
	return time.Unix(1_800_000_000, 5), nil
}

// TestJournal has the log of a project tell of its changes, with no value of a variable,
// and has it deleted with the project.
func TestJournal(t *testing.T) {
	inNewWorld(t, func(w *world) {
		d := &diary{}
		w.service.Stop()
		w.journal = d
		w.begin()
		w.well(w.set("a@example.com", values("A", "canary")))
		w.well(w.push(code(1, oneServer, "live_app")))
		w.faults.name("nomad.Follow", fails)
		w.set("b@example.com", values("A", "canary2"))
		w.healed()
		said := d.text.String()
		for _, want := range []string{"INFO||1|release 1 is live, by ", "INFO|||variables: storing version 2 of the variables\n", "ERROR||2|failed: "} {
			if !strings.Contains(said, want) {
				t.Errorf("it does not say %q:\n%s", want, said)
			}
		}
		if strings.Contains(said, "canary") {
			t.Errorf("it shows a value:\n%s", said)
		}
		w.destroyed = true
		d.broken = true
		out, err := w.service.Destroy(w.Context(), w.actor, w.project)
		if err != nil || out.Logs != api.LogsExpire || !out.LogsGone.IsZero() {
			t.Errorf("when it cannot be deleted: %+v, %v", out, err)
		}
		d.broken = false
		w.project = must(w.service.Create(w.Context(), w.actor, "shop"))(w.T)
		if out, err = w.service.Destroy(w.Context(), w.actor, w.project); err != nil || out.Logs != api.LogsDeleted || out.LogsGone.Unix() != 1_800_000_000 || len(d.forgotten) != 1 || d.forgotten[0] != w.project.ID {
			t.Errorf("%+v, %v; deleted are the logs of %v", out, err, d.forgotten)
		}
	})
}
