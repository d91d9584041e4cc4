package server_test

import (
	"strings"
	"testing"

	"fngen.dev/fngen/compiler/source"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/server/servertest"
)

func TestPlan(t *testing.T) {
	_, c := servertest.WithShop(t)
	good := api.PlanRequest{
		Tree:         "sha256:" + strings.Repeat("0", 64),
		Requirements: []source.File{{Path: "requirements.txt", SHA256: strings.Repeat("1", 64)}},
	}
	if plan, err := c.Plan(t.Context(), "shop", good); err != nil || plan.Project != "shop" || plan.Release != 1 {
		t.Errorf("plan %+v, %v", plan, err)
	}
	for what, spoil := range map[string]func(*api.PlanRequest){
		"no digest": func(r *api.PlanRequest) { r.Tree = "x" },
		"a path up": func(r *api.PlanRequest) {
			r.Requirements = []source.File{{Path: "../x", SHA256: strings.Repeat("1", 64)}}
		},
		"no file's sum": func(r *api.PlanRequest) { r.Requirements = []source.File{{Path: "x", SHA256: "${env.X}"}} },
	} {
		bad := good
		spoil(&bad)
		_, err := c.Plan(t.Context(), "shop", bad)
		if err == nil {
			t.Errorf("%s was taken", what)
			continue
		}
		servertest.WantProblem(t, err, api.Invalid)
	}
}
