package server

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/server/access"
	"fngen.dev/fngen/pkg/store"
)

// answer is the body of a response, as huma wants it.
type answer[T any] struct{ Body T }

type inProject struct {
	Project string `path:"project" doc:"The project's name"`
}

// inPage is which part of a list is asked for. Pages are by name, and not by number:
// what is added meanwhile moves none.
type inPage struct {
	After string `query:"after" doc:"The name behind which the page begins: the last one of the page before"`
	Limit int    `query:"limit" minimum:"1" maximum:"200" default:"200" doc:"How many; fewer are the last page"`
}

type inCreate struct{ Body api.CreateProject }

func (s *Server) routePeople(h huma.API, mux *access.Mux) {
	keys := access.DeployKeys{Rows: s.Store}
	register(s, h, http.MethodGet, "/v1/account", "account", "Whose API key it is", s.account)
	register(s, h, http.MethodGet, "/v1/platform", "platform", "What the platform has", s.platform)
	register(s, h, http.MethodGet, "/v1/projects", "list-projects", "The account's projects", s.projects)
	register(s, h, http.MethodPost, "/v1/projects", "create-project", "Add a project", s.createProject)
	register(s, h, http.MethodGet, "/v1/keys", "list-keys", "The account's API keys that are not revoked", keys.List)
	register(s, h, http.MethodPost, "/v1/keys", "create-key", "Make a deploy key of one project; its secret is told this once", keys.Create)
	register(s, h, http.MethodDelete, "/v1/keys/{key}", "revoke-key", "End a key at once", keys.Revoke)
	register(s, h, http.MethodGet, "/v1/projects/{project}", "status", "What runs now", s.status)
	register(s, h, http.MethodPost, "/v1/projects/{project}/plans", "plan", "What a push would do; nothing is changed", s.plan)
	register(s, h, http.MethodGet, "/v1/projects/{project}/releases", "releases", "The project's history, newest first", s.releases)
	register(s, h, http.MethodGet, "/v1/projects/{project}/env", "variables", "The names of the project's variables, never their values", s.variables)
	register(s, h, http.MethodPost, "/v1/projects/{project}/uploads", "begin-uploads", "How much of large contents is there; refuses what there is no room for", s.trees.BeginUploads)
	mux.HandleFunc("DELETE /v1/projects/{project}", s.destroy)
	mux.HandleFunc("GET /v1/projects/{project}/logs", s.logs.Get)
	mux.HandleFunc("GET /v1/projects/{project}/trees/latest", s.trees.Latest)
	mux.HandleFunc("PUT /v1/projects/{project}/trees/{digest}", s.trees.Put)
	mux.HandleFunc("PATCH /v1/projects/{project}/uploads/{id}", s.trees.PatchUpload)
	mux.HandleFunc("PATCH /v1/projects/{project}/env", s.setVariables)
	mux.HandleFunc("POST /v1/projects/{project}/pushes", s.push)
	mux.HandleFunc("POST /v1/projects/{project}/rollbacks", s.rollback)
	mux.HandleFunc("GET /v1/projects/{project}/releases/{release}/events", s.events)
	s.tasks.ForPeople(mux)
	describeRaw(h.OpenAPI())
}

// register adds a route whose request and answer are JSON.
func register[I, O any](s *Server, h huma.API, method, path, id, summary string, f func(context.Context, store.Actor, *I) (O, error)) {
	op := huma.Operation{OperationID: id, Method: method, Path: path, Summary: summary, DefaultStatus: http.StatusOK}
	if method == http.MethodPost {
		op.DefaultStatus = http.StatusCreated
	}
	op.Responses = map[string]*huma.Response{"default": problemResponse(h.OpenAPI())}
	huma.Register(h, op, func(ctx context.Context, in *I) (*answer[O], error) {
		actor, err := access.ActorOf(ctx)
		if err != nil {
			return nil, s.Problem(ctx, err)
		}
		out, err := f(ctx, actor, in)
		if err != nil {
			return nil, s.Problem(ctx, err)
		}
		return &answer[O]{out}, nil
	})
}

func (s *Server) account(_ context.Context, actor store.Actor, _ *struct{}) (api.Account, error) {
	return api.Account{Email: actor.Email}, nil
}

func (s *Server) platform(ctx context.Context, _ store.Actor, _ *struct{}) (api.Platform, error) {
	return s.Deployer.Platform(ctx)
}

func (s *Server) projects(ctx context.Context, actor store.Actor, in *inPage) ([]api.Project, error) {
	page, err := s.Store.Summaries(ctx, store.Page{AccountID: actor.AccountID, After: in.After, Only: actor.Project, Limit: in.Limit})
	if err != nil {
		return nil, err
	}
	return s.Deployer.List(page)
}

func (s *Server) createProject(ctx context.Context, actor store.Actor, in *inCreate) (api.Project, error) {
	if err := s.mayCreate(ctx, actor); err != nil {
		return api.Project{}, err
	}
	p, err := s.Deployer.Create(ctx, actor, in.Body.Name)
	if err != nil {
		return api.Project{}, err
	}
	return api.Project{Name: p.Name, State: "empty", CreatedAt: p.CreatedAt}, nil
}

// mayCreate refuses an account that has as many projects as one may have.
func (s *Server) mayCreate(ctx context.Context, actor store.Actor) error {
	if s.Projects == 0 {
		return nil
	}
	ps, err := s.Store.Projects(ctx, actor.AccountID)
	if err == nil && len(ps) >= s.Projects {
		err = api.NewProblem(api.NoRoom, "this account has %d projects, which is as many as an account may have on this platform", len(ps)).
			WithHelp("destroy one; the operator sets how many they are (FNGEND_ACCOUNT_PROJECTS)")
	}
	return err
}

func (s *Server) status(ctx context.Context, actor store.Actor, in *inProject) (api.Status, error) {
	p, err := s.Store.Project(ctx, actor.AccountID, in.Project)
	if err != nil {
		return api.Status{}, err
	}
	status, err := s.Deployer.Status(ctx, p)
	if err == nil {
		s.logs.AddRefused(ctx, p, &status)
	}
	return status, err
}

func (s *Server) releases(ctx context.Context, actor store.Actor, in *inProject) ([]api.Release, error) {
	p, err := s.Store.Project(ctx, actor.AccountID, in.Project)
	if err != nil {
		return nil, err
	}
	return s.Deployer.Releases(ctx, p)
}

// destroy is not huma's, since it may take minutes.
func (s *Server) destroy(w http.ResponseWriter, r *http.Request) {
	leave, err := s.enterChange(w, r)
	if err != nil {
		s.Refuse(w, r, err)
		return
	}
	defer leave()
	actor, p, err := s.people.Target(r)
	if err != nil {
		s.Fail(w, r, err)
		return
	}
	// A caller that leaves does not leave a project half destroyed.
	gone, err := s.Deployer.Destroy(context.WithoutCancel(r.Context()), actor, p)
	if err != nil {
		s.Fail(w, r, err)
		return
	}
	s.JSON(w, gone)
}
