package logroutes

import (
	"net/http"
	"strings"
	"sync"
	"time"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/logs"
	"fngen.dev/fngen/pkg/server/workload"
	"fngen.dev/fngen/pkg/store"
)

const (
	// originAge is how long it is believed that an agent runs.
	originAge  = 5 * time.Second
	maxOrigins = 10_000
)

type knownOrigin struct {
	from logs.Origin
	at   time.Time
}

// origin is the project of an agent and what it runs.
func (l *Routes) origin(r *http.Request) (store.Project, logs.Origin, error) {
	who, p, err := l.Agents.Signed(r)
	if err != nil {
		return p, logs.Origin{}, err
	}
	if known, ok := l.origins.get(who.Allocation); ok {
		return p, known, nil
	}
	args, running, err := l.Origins.Arguments(r.Context(), who.Namespace, who.JobID, who.Allocation)
	if err != nil {
		l.Agents.WarnUnknown(r.Context(), who, err)
		return p, logs.Origin{}, api.NewProblem(api.Unavailable, "Nomad does not tell whose log it is").WithHelp("send it again")
	}
	if !running {
		return p, logs.Origin{}, api.NewProblem(api.Unauthenticated, "%s: its allocation does not run", workload.ErrInvalid)
	}
	from := OriginOf(args, who.Allocation)
	l.origins.put(who.Allocation, from)
	return p, from, nil
}

// OriginOf is from where the entries of an allocation come, by the arguments of its agent.
func OriginOf(args []string, allocation string) logs.Origin {
	from := logs.Origin{Instance: allocation[:min(len(allocation), 8)]}
	for flag, to := range map[string]*string{"--power=": &from.Power, "--function=": &from.Function, "--server=": &from.Server, "--release=": &from.Release} {
		for _, arg := range args {
			if value, ok := strings.CutPrefix(arg, flag); ok {
				*to = value
			}
		}
	}
	if from.Power == "" {
		from.Power = logs.PowerPlatform
	}
	return from
}

// origins remembers for a moment from where an agent's entries come.
type origins struct {
	now func() time.Time

	mu sync.Mutex
	m  map[string]knownOrigin // by allocation
}

func newOrigins() *origins { return &origins{now: time.Now, m: map[string]knownOrigin{}} }

func (o *origins) get(allocation string) (logs.Origin, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	known, ok := o.m[allocation]
	return known.from, ok && o.now().Sub(known.at) < originAge
}

func (o *origins) put(allocation string, from logs.Origin) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.m) >= maxOrigins {
		clear(o.m)
	}
	o.m[allocation] = knownOrigin{from, o.now()}
}
