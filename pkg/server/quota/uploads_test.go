package quota_test

import (
	"fmt"
	"testing"

	"fngen.dev/fngen/compiler/source"
	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/api/upload"
	"fngen.dev/fngen/pkg/server"
	"fngen.dev/fngen/pkg/server/servertest"
	"fngen.dev/fngen/pkg/server/treetest"
)

// TestSpentBudget uploads more than an account may in a day. Another account has its own,
// and what is known costs nothing.
func TestSpentBudget(t *testing.T) {
	p, c := servertest.WithShop(t)
	p.Restart(func(o *server.Options) { o.Daily = 4 << 20 })
	var known source.Tree
	for i := range byte(5) {
		known = treetest.New(map[string]string{"a": treetest.Noise(i, 1000)})
		servertest.Upload(t, c, "shop", known)
	}
	fifth := treetest.New(map[string]string{"a": treetest.Noise(9, 1000)})
	servertest.WantProblem(t, upload.Send(t.Context(), c, "shop", &upload.Request{Tree: fifth}), api.NoRoom)
	other, _ := p.Account(t, "b@example.com")
	if _, err := other.CreateProject(t.Context(), "other"); err != nil {
		t.Fatal(err)
	}
	servertest.Upload(t, other, "other", fifth)
	servertest.Upload(t, c, "shop", known)
}

// TestManifestsCountForTheQuota sends trees of many files whose contents are all
// there: their lists alone fill the project's share.
func TestManifestsCountForTheQuota(t *testing.T) {
	p, c := servertest.WithShop(t)
	p.Restart(func(o *server.Options) { o.Quota = 300_000 })
	for turn := range 20 {
		files := map[string]string{}
		for i := range 2000 {
			files[fmt.Sprintf("%s/%d-%d", treetest.DigestOf(fmt.Sprint(turn, i)), turn, i)] = "same"
		}
		err := upload.Send(t.Context(), c, "shop", &upload.Request{Tree: treetest.New(files)})
		if err == nil {
			continue
		}
		servertest.WantProblem(t, err, api.NoRoom)
		return
	}
	t.Error("twenty lists of 2,000 files fit into 300 kB")
}
