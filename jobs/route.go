package jobs

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"

	nomad "github.com/hashicorp/nomad/api"

	"fngen.dev/fngen/compiler/ir"
)

// maxServiceName is Consul's limit: a service name is a DNS label.
const maxServiceName = 63

// route is how requests reach a web app.
type route struct {
	service string
	tags    []string
}

// newRoute names a router and a service of Traefik after a hash of what they
// say. Traefik deletes a router whose definition differs between two instances
// of one service; with a new name for a new definition both exist, during a
// rollout, and each is served.
func newRoute(p *ir.Project, f ir.Function, c Cluster) route {
	service := serviceName(p.Name, f.Name)
	rules := make([]string, len(f.WebApp.Hosts))
	for i, label := range f.WebApp.Hosts {
		rules[i] = "Host(" + strconv.Quote(label+"."+c.Domain) + ")"
	}
	rule := strings.Join(rules, " || ")
	name := service + "-" + shortHash(rule)
	tags := []string{
		"traefik.enable=true",
		"traefik.http.routers." + name + ".entrypoints=websecure",
		"traefik.http.routers." + name + ".rule=" + rule,
		"traefik.http.routers." + name + ".service=" + name,
		"traefik.http.routers." + name + ".tls=true",
		"traefik.http.services." + name + ".loadbalancer.passhostheader=true",
	}
	slices.Sort(tags)
	return route{service: service, tags: tags}
}

// AtHosts is the job of a web app that answers at the hosts of f, whatever its own
// are. Registered, it starts nothing: only what the router reads is different.
func AtHosts(job *nomad.Job, p *ir.Project, f ir.Function, c Cluster) *nomad.Job {
	var groups []string
	for _, g := range job.TaskGroups {
		groups = append(groups, *g.Name)
	}
	return withGroups(job, groups, func(g *nomad.TaskGroup) {
		service := *g.Services[0]
		service.Tags = newRoute(p, f, c).tags
		g.Services = []*nomad.Service{&service}
	})
}

// serviceName is unambiguous because a project's name has no "--" and does not
// end in a hyphen.
func serviceName(project, function string) string {
	name := project + "--" + ir.Slug(function)
	if len(name) <= maxServiceName {
		return name
	}
	hash := shortHash(name)
	return strings.TrimRight(name[:maxServiceName-len(hash)-1], "-") + "-" + hash
}

func shortHash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:4])
}
