package server

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"

	"fngen.dev/fngen/compiler/diag"
	"fngen.dev/fngen/compiler/dotenv"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/server/respond"
	"fngen.dev/fngen/pkg/store"
)

// variables lists names.
func (s *Server) variables(ctx context.Context, actor store.Actor, in *inProject) (api.Variables, error) {
	p, err := s.Store.Project(ctx, actor.AccountID, in.Project)
	if err != nil {
		return api.Variables{}, err
	}
	return s.Deployer.Variables(ctx, p)
}

// setVariables changes variables and streams what happens. It has its place until the
// end, since it may be a rollout.
func (s *Server) setVariables(w http.ResponseWriter, r *http.Request) {
	actor, p, err := s.people.Target(r)
	if err != nil {
		s.Fail(w, r, err)
		return
	}
	leave, err := s.changes.Enter(r.Context(), actor.KeyID)
	if err != nil {
		s.Refuse(w, r, err)
		return
	}
	defer leave()
	req, err := readVariables(http.MaxBytesReader(w, r.Body, api.MaxVariablesBody))
	if err == nil {
		err = respond.Untimed(w)
	}
	if err != nil {
		s.Fail(w, r, err)
		return
	}
	events, err := s.Deployer.SetVariables(r.Context(), actor, p, req)
	if err != nil {
		s.Fail(w, r, err)
		return
	}
	s.stream(w, r, events)
}

// readVariables reads a change and holds it to what a project can have. What is wrong
// with JSON is not said, as that might show a value.
func readVariables(body io.Reader) (api.SetVariables, error) {
	var req api.SetVariables
	d := json.NewDecoder(body)
	d.DisallowUnknownFields()
	err := d.Decode(&req)
	whole := err == nil
	if whole {
		_, err = d.Token()
	}
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return req, tooLarge
	}
	if !whole || !errors.Is(err, io.EOF) {
		return req, api.NewProblem(api.Invalid, `the body is not JSON of the form {"set": {"NAME": "value"}, "unset": ["NAME"]}`)
	}
	if len(req.Set) == 0 && len(req.Unset) == 0 {
		return req, api.NewProblem(api.Invalid, "no variable is set or unset")
	}
	var faults diag.List
	for _, name := range slices.Sorted(maps.Keys(req.Set)) {
		if d := dotenv.Check(name, req.Set[name].Reveal()); d != nil {
			faults.Add(*d)
		}
		if slices.Contains(req.Unset, name) {
			return req, api.NewProblem(api.Invalid, "%q is set and unset", name)
		}
	}
	for _, name := range req.Unset {
		if d := dotenv.CheckName(name); d != nil {
			faults.Add(*d)
		}
	}
	if len(faults) > 0 {
		p := api.NewProblem(api.Invalid, "%s; nothing was changed", faults[0].Message)
		p.Diagnostics = faults
		return req, p
	}
	return req, nil
}
