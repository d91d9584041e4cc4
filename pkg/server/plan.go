package server

import (
	"net/http"

	"fngen.dev/fngen/pkg/api"
)

// maxPlanBytes bounds a resolved project: a thousand functions with all their
// parameters take less.
const maxPlanBytes = 4 << 20

// plan tells what a push would do.
func (s *Server) plan(w http.ResponseWriter, r *http.Request) {
	_, p, err := s.target(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	req, err := read[api.PlanRequest](w, r, maxPlanBytes)
	if err == nil {
		err = checkPlan(req)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	plan, err := s.Deployer.Plan(r.Context(), p, req)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.reply(w, plan)
}

func checkPlan(req api.PlanRequest) error {
	if _, err := treeDigest(req.Tree); err != nil {
		return err
	}
	for _, f := range req.Requirements {
		if fault := checkPath(f.Path); fault != "" {
			return api.NewProblem(api.Invalid, "requirements: %q %s", f.Path, fault)
		}
		if !sha256Hex.MatchString(f.SHA256) {
			return api.NewProblem(api.Invalid, "requirements: %q has no digest", f.Path)
		}
	}
	return nil
}
