package access

import (
	"fmt"
	"net/http"
	"strings"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/server/respond"
	"fngen.dev/fngen/pkg/store"
)

// scopes is the least scope that each route of people demands of an API key. What
// is not here is for keys of the account alone; TestScopes wants every route here.
// A key of a project reaches no other project, whatever the route.
var scopes = map[string]api.Scope{
	"GET /v1/account":       api.ScopePlan,
	"GET /v1/platform":      api.ScopePlan,
	"GET /v1/projects":      api.ScopePlan,
	"POST /v1/projects":     api.ScopeAccount,
	"GET /v1/keys":          api.ScopeAccount,
	"POST /v1/keys":         api.ScopeAccount,
	"DELETE /v1/keys/{key}": api.ScopeAccount,

	"GET /v1/projects/{project}":                           api.ScopePlan,
	"DELETE /v1/projects/{project}":                        api.ScopeAccount,
	"POST /v1/projects/{project}/plans":                    api.ScopePlan,
	"GET /v1/projects/{project}/releases":                  api.ScopePlan,
	"GET /v1/projects/{project}/releases/{release}/events": api.ScopeDeploy,
	"GET /v1/projects/{project}/logs":                      api.ScopeDeploy,
	"GET /v1/projects/{project}/trees/latest":              api.ScopePlan,
	"GET /v1/projects/{project}/env":                       api.ScopePlan,
	"PATCH /v1/projects/{project}/env":                     api.ScopeDeploy,
	"PUT /v1/projects/{project}/trees/{digest}":            api.ScopeDeploy,
	"POST /v1/projects/{project}/uploads":                  api.ScopeDeploy,
	"PATCH /v1/projects/{project}/uploads/{id}":            api.ScopeDeploy,
	"POST /v1/projects/{project}/pushes":                   api.ScopeDeploy,
	"POST /v1/projects/{project}/rollbacks":                api.ScopeDeploy,

	"GET /v1/projects/{project}/tasks":              api.ScopePlan,
	"GET /v1/projects/{project}/tasks/{id}":         api.ScopePlan,
	"POST /v1/projects/{project}/tasks":             api.ScopeDeploy,
	"POST /v1/projects/{project}/tasks/large":       api.ScopeDeploy,
	"POST /v1/projects/{project}/tasks/{id}/retry":  api.ScopeDeploy,
	"POST /v1/projects/{project}/tasks/{id}/cancel": api.ScopeDeploy,
}

// Mux is a mux whose routes of people hold the caller's key to the table. Routes
// are guarded where they are added, so that none can be added past it.
type Mux struct {
	*http.ServeMux
	respond  respond.Responder
	patterns []string
}

// NewMux guards routes that are added to mux.
func NewMux(mux *http.ServeMux, r respond.Responder) *Mux {
	return &Mux{ServeMux: mux, respond: r}
}

// Patterns are the routes that were added.
func (m *Mux) Patterns() []string { return m.patterns }

// HandleFunc adds a route.
func (m *Mux) HandleFunc(pattern string, handler func(http.ResponseWriter, *http.Request)) {
	if _, path, _ := strings.Cut(pattern, " "); !strings.HasPrefix(path, "/v1/") {
		m.ServeMux.HandleFunc(pattern, handler)
		return
	}
	m.patterns = append(m.patterns, pattern)
	m.ServeMux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		actor, err := ActorOf(r.Context())
		if err == nil {
			err = mayUse(actor, pattern, r.PathValue("project"))
		}
		if err != nil {
			m.respond.Fail(w, r, err)
			return
		}
		handler(w, r)
	})
}

// Routes is how many routes the table has.
func Routes() int { return len(scopes) }

// Needs is the least scope that a route demands, if it is in the table.
func Needs(pattern string) (need api.Scope, ok bool) {
	need, ok = scopes[pattern]
	return need, ok
}

// mayUse refuses what the caller's key was not made for. project is that of the
// route, empty where there is none.
func mayUse(actor store.Actor, pattern, project string) error {
	need, ok := scopes[pattern]
	if !ok {
		need = api.ScopeAccount
	}
	if actor.Project != "" && project != "" && project != actor.Project {
		return api.NewProblem(api.Forbidden, "this API key is for project %q, not for %q", actor.Project, project).WithHelp("%s", newKeyHelp)
	}
	if !actor.Scope.Includes(need) {
		return api.NewProblem(api.Forbidden, "this API key may not do that: %s", mayOnly(actor)).WithHelp("%s", newKeyHelp)
	}
	return nil
}

const newKeyHelp = "use a key of the account, or one that `fngen key create` makes for this"

func mayOnly(actor store.Actor) string {
	switch actor.Scope {
	case api.ScopePlan:
		return fmt.Sprintf("it reads and plans project %q", actor.Project)
	case api.ScopeDeploy:
		return fmt.Sprintf("it plans and deploys project %q", actor.Project)
	}
	return fmt.Sprintf("its scope is %q", actor.Scope)
}
