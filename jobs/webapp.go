package jobs

import (
	"strconv"
	"time"

	nomad "github.com/hashicorp/nomad/api"

	"fngen.dev/fngen/compiler/ir"
)

// The times of a rollout. Traefik hears of a change by a Consul watch and
// applies it at most 300 ms later, so an instance that has left Consul gets no
// new request after well under a second; shutdownDelay keeps it serving for
// three. The runtime then drains for drainSeconds, inside killTimeout. A check that
// is answered late is answered: on a server whose processors are busy with the
// start of other instances it must not take the only one that serves away. One
// that has died refuses at once.
const (
	checkInterval = time.Second
	checkTimeout  = 5 * time.Second
	minHealthy    = time.Second
	shutdownDelay = 3 * time.Second
	drainSeconds  = 25
	killTimeout   = 30 * time.Second
)

// httpPort is where a web app listens in its own network.
const httpPort = 8080

// webApp makes the job of a @webapp function: one group per server definition,
// all behind one Consul service.
func webApp(p *ir.Project, f ir.Function, r Release, c Cluster) (*nomad.Job, error) {
	route := newRoute(p, f, c)
	job := &nomad.Job{
		ID: new(ID(f)), Name: new(ID(f)), Namespace: new(p.Name), Type: new("service"),
		Datacenters: regions(p.Servers),
		UI:          description(p, f, r),
	}
	for _, label := range f.WebApp.Hosts {
		job.UI.Links = append(job.UI.Links, &nomad.JobUILink{Label: label + "." + c.Domain, URL: c.URL(label)})
	}
	for _, s := range p.Servers {
		group, err := webGroup(p, f, s, r, c, route)
		if err != nil {
			return nil, err
		}
		job.TaskGroups = append(job.TaskGroups, group)
	}
	return job, nil
}

func webGroup(p *ir.Project, f ir.Function, s ir.Server, r Release, c Cluster, route route) (*nomad.TaskGroup, error) {
	size, err := lookupSize(s)
	if err != nil {
		return nil, err
	}
	task := withVariables(agentTask("app", serve(p, f, s, r, c,
		"framework", f.WebApp.Framework, "static", staticOf(p, f, r), "health", f.WebApp.Health,
		"processes", orDefault(Processes(p, f, s), 1), "threads", orDefault(f.WebApp.Threads, 0),
		"max-body-mb", orDefault(f.WebApp.MaxBodyMB, 0), "max-header-kb", orDefault(f.WebApp.MaxHeaderKB, 0), "keep-alive", orDefault(f.WebApp.KeepAlive, 0),
		"drain", strconv.Itoa(drainSeconds)+"s",
	), share(size, len(p.Functions))), p, r)
	task.KillTimeout = new(killTimeout)
	return &nomad.TaskGroup{
		Name:          new(s.Name),
		Count:         new(s.Count),
		Constraints:   placement(s),
		Spreads:       spread(s.Count),
		Update:        rolling(s.Count, "checks", minHealthy, killTimeout, fetchTime(p)),
		Migrate:       staying(s.Count),
		RestartPolicy: restarts(),
		Disconnect:    outOfReach(),
		ShutdownDelay: new(shutdownDelay),
		Networks:      networked(nomad.Port{Label: "http", To: httpPort, HostNetwork: "srv"}),
		Volumes:       volumes(),
		Services:      []*nomad.Service{webService(f, c, route)},
		Tasks:         []*nomad.Task{task},
	}, nil
}

func webService(f ir.Function, c Cluster, route route) *nomad.Service {
	return &nomad.Service{
		Name: route.service, Provider: "consul", PortLabel: "http", Tags: route.tags,
		Checks: []nomad.ServiceCheck{{
			Name: "health", Type: "http", Path: f.WebApp.HealthPath(), Interval: checkInterval, Timeout: checkTimeout,
			// Consul goes by 2xx: which answers of the app count as one, the runtime
			// decides (sdk/python/src/fngen/runtime/checks.py).
			//
			// The host and scheme that people use, since frameworks refuse other hosts
			// and lead away from http; and a mark by which the runtime knows a check
			// from a person's request.
			Header: map[string][]string{
				"Host": {f.WebApp.Hosts[0] + "." + c.Domain}, "X-Forwarded-Proto": {"https"}, "Fngen-Check": {"1"},
			},
		}},
	}
}
