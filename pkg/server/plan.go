package server

import (
	"context"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/server/manifest"
	"fngen.dev/fngen/pkg/store"
)

// inPlan is read and checked as the API's description has it.
type inPlan struct {
	Project string `path:"project" doc:"The project's name"`
	Body    api.PlanRequest
}

// plan tells what a push would do.
func (s *Server) plan(ctx context.Context, actor store.Actor, in *inPlan) (api.Plan, error) {
	p, err := s.Store.Project(ctx, actor.AccountID, in.Project)
	if err != nil {
		return api.Plan{}, err
	}
	if err := checkPlan(in.Body); err != nil {
		return api.Plan{}, err
	}
	leave, err := s.plans.Enter(ctx, actor.KeyID)
	if err != nil {
		return api.Plan{}, err
	}
	defer leave()
	return s.Deployer.Plan(ctx, p, in.Body)
}

func checkPlan(req api.PlanRequest) error {
	if _, err := manifest.TreeDigest(req.Tree); err != nil {
		return err
	}
	for _, f := range req.Requirements {
		if fault := manifest.CheckPath(f.Path); fault != "" {
			return api.NewProblem(api.Invalid, "requirements: %q %s", f.Path, fault)
		}
		if !manifest.IsSHA256(f.SHA256) {
			return api.NewProblem(api.Invalid, "requirements: %q has no digest", f.Path)
		}
	}
	return nil
}
