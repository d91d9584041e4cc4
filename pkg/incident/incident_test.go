package incident

import (
	"context"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fngen.dev/fngen/nomad"
	"fngen.dev/fngen/pkg/store"
)

// seen is a Nomad with what a test says.
type seen struct {
	instances []nomad.Observed
	critical  map[string]string
}

func (s *seen) Observe(_ context.Context, _ string, _ uint64, _ time.Duration) ([]nomad.Observed, uint64, error) {
	return s.instances, 1, nil
}

func (s *seen) Arguments(_ context.Context, _, job, _ string) ([]string, bool, error) {
	return []string{"--function=" + job}, true, nil
}

func (s *seen) Critical(context.Context) (map[string]string, error) { return s.critical, nil }

// platform is a store with the project shop, what Nomad shows, and what was said.
type platform struct {
	store *store.Store
	seen  seen
	said  []string
	at    []time.Time
	now   time.Time
}

func newPlatform(t *testing.T) *platform {
	t.Helper()
	s, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	account, err := s.CreateAccount(t.Context(), store.Actor{}, "a@example.com")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.CreateProject(t.Context(), store.Actor{AccountID: account.ID}, "shop"); err != nil {
		t.Fatal(err)
	}
	return &platform{store: s, now: time.Unix(1_800_000_000, 0)}
}

// watcher is that of another control plane each time.
func (p *platform) watcher() *Watcher {
	w := New(&p.seen, &p.seen, p.store, func(l Line) {
		p.said, p.at = append(p.said, l.Project.Name+" "+strings.Join(l.Args, " ")+" "+l.Level+" "+l.Text), append(p.at, l.At)
	}, slog.New(slog.DiscardHandler))
	w.now = func() time.Time { return p.now }
	return w
}

// looks looks twice, and holds what is said of it.
func (p *platform) looks(t *testing.T, w *Watcher, want ...string) {
	t.Helper()
	p.said, p.at = nil, nil
	for range 2 {
		if _, err := w.look(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(p.said, want) {
		t.Errorf("it says\n%s", cmp.Diff(want, p.said))
	}
}

func runs(id string, ends ...nomad.End) nomad.Observed {
	return nomad.Observed{Allocation: id, Namespace: "shop", Job: "web-live_app", Group: "web", Node: "s-1", Wanted: true, Healthy: true, State: "running", Ends: ends}
}

const of = "shop --function=web-live_app "

func TestEnds(t *testing.T) {
	p := newPlatform(t)
	w := p.watcher()
	at := func(s int64) time.Time { return time.Unix(1_700_000_000+s, 5) }
	crash := nomad.End{At: at(1), ExitCode: 3, Again: true}
	p.seen.instances = []nomad.Observed{runs("0123456789")}
	p.looks(t, w)
	p.seen.instances = []nomad.Observed{runs("0123456789", crash)}
	p.looks(t, w, of+"WARNING instance 01234567 ended with exit code 3; it is started again")
	if !slices.Equal(p.at, []time.Time{at(1)}) {
		t.Errorf("it was at %v", p.at)
	}
	// None ran while it happened, and another control plane comes.
	p.seen.instances = []nomad.Observed{runs("0123456789", crash,
		nomad.End{At: at(2), ExitCode: 137, Signal: 9, OutOfMemory: true, Again: true}, nomad.End{At: at(3), Reason: "Failed\n\x00by Vault"})}
	p.looks(t, p.watcher(),
		of+"ERROR instance 01234567 was killed: it took more memory than its server has for it; it is started again",
		of+"ERROR instance 01234567 ended: Failed \x00by Vault; it is not started there any more")
	p.looks(t, p.watcher())
	other := runs("1123456789", crash)
	other.Namespace = "default"
	p.seen.instances = []nomad.Observed{other}
	p.looks(t, p.watcher())
	if left, err := p.store.Incidents(t.Context()); err != nil || len(left) != 0 {
		t.Errorf("of an instance that Nomad has forgotten %v is kept, %v", left, err)
	}
}

func TestServerOutOfReach(t *testing.T) {
	p := newPlatform(t)
	away, gone := runs("0123456789"), runs("1123456789")
	away.State, gone.State = "unknown", "lost"
	p.seen.instances = []nomad.Observed{away, gone}
	p.looks(t, p.watcher(),
		of+"ERROR instance 01234567 is out of reach with its server s-1: another one takes its place where there is room",
		of+"ERROR instance 11234567 is lost with its server s-1")
	p.looks(t, p.watcher())
	p.seen.instances = []nomad.Observed{runs("0123456789"), gone}
	p.looks(t, p.watcher(), of+"INFO instance 01234567 is back: its server s-1 can be reached again")
}

func TestHealth(t *testing.T) {
	p := newPlatform(t)
	w := p.watcher()
	fails := map[string]string{"0123456789": "HTTP GET\n500 " + strings.Repeat("é", shown)}
	fresh := runs("0123456789")
	fresh.Healthy = false
	p.seen.instances, p.seen.critical = []nomad.Observed{fresh}, fails
	p.looks(t, w)
	p.now = p.now.Add(steady)
	p.looks(t, w) // it never was well
	p.seen.instances, p.seen.critical = []nomad.Observed{runs("0123456789")}, nil
	p.looks(t, w)
	p.seen.critical = fails
	p.looks(t, w)
	p.now = p.now.Add(steady)
	p.looks(t, w, of+"ERROR instance 01234567 fails its health check, and gets no requests: HTTP GET 500 "+strings.Repeat("é", 93)+" ...")
	next := p.watcher()
	p.looks(t, next)
	p.now = p.now.Add(steady)
	p.looks(t, next)
	p.seen.critical = nil
	p.looks(t, next, of+"INFO instance 01234567 passes its health check again")
	p.seen.critical = fails
	p.looks(t, next)
	p.seen.critical = nil // for a moment only
	p.now = p.now.Add(steady)
	p.looks(t, next)
}
