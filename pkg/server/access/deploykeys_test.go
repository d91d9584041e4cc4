package access_test

import (
	"slices"
	"strings"
	"testing"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/server/servertest"
	"fngen.dev/fngen/pkg/server/treetest"
)

func TestDeployKeys(t *testing.T) {
	p := servertest.New(t)
	a, _ := p.Account(t, "a@example.com")
	b, _ := p.Account(t, "b@example.com")
	ctx := t.Context()
	for _, name := range []string{"shop", "blog"} {
		if _, err := a.CreateProject(ctx, name); err != nil {
			t.Fatal(err)
		}
	}
	want := api.NewDeployKey{Project: "shop", Scope: api.ScopeDeploy, ExpiresIn: 3600, Label: "ci"}
	made, err := a.CreateKey(ctx, want)
	if err != nil {
		t.Fatal(err)
	}
	ci := p.Client(t, made.Key)
	if got, err := ci.Projects(ctx); err != nil || len(got) != 1 || got[0].Name != "shop" {
		t.Errorf("the key of shop sees %+v, %v", got, err)
	}
	tree := treetest.New(map[string]string{"a.py": "x"})
	servertest.Upload(t, ci, "shop", tree)
	_, err = ci.CreateKey(ctx, want)
	servertest.WantProblem(t, err, api.Forbidden)
	_, err = b.CreateKey(ctx, want)
	servertest.WantProblem(t, err, api.NotFound)
	_, err = b.RevokeKey(ctx, made.ID)
	servertest.WantProblem(t, err, api.NotFound)
	for _, bad := range []api.NewDeployKey{
		{Project: "shop", Scope: api.ScopeAccount, ExpiresIn: 3600}, {Project: "shop", Scope: api.ScopePlan}, {Project: "shop", Scope: api.ScopePlan, ExpiresIn: 1 << 40},
	} {
		_, err := a.CreateKey(ctx, bad)
		servertest.WantProblem(t, err, api.Invalid)
	}
	list, err := a.Keys(ctx)
	i := slices.IndexFunc(list, func(k api.KeyInfo) bool { return k.ID == made.ID })
	if err != nil || i < 0 || list[i].LastUsed == nil || list[i].Project != "shop" || list[i].ExpiresAt == nil || list[i].Label != "ci" {
		t.Errorf("keys are %+v, %v", list, err)
	}
	if _, err := a.RevokeKey(ctx, made.ID); err != nil {
		t.Fatal(err)
	}
	_, err = ci.Account(ctx)
	servertest.WantProblem(t, err, api.Unauthenticated)
	if strings.Contains(p.Log.String(), made.Key) {
		t.Error("the key is in the log")
	}
}
