package logroutes_test

import (
	"testing"
	"time"

	"fngen.dev/fngen/pkg/api"
	"fngen.dev/fngen/pkg/store"
)

// Who has refused requests since the memory was nearly full is told by its log.
func TestRefusedForMemory(t *testing.T) {
	const full, well = "aaaaaaaa-0000-0000-0000-000000000000", "bbbbbbbb-0000-0000-0000-000000000000"
	p, c, shelf, tenant := withLogs(t)
	p.Deployer.StatusOf = func(of store.Project) (api.Status, error) {
		say := func(ago time.Duration, function, instance, message string) {
			shelf.Lines[tenant] = append(shelf.Lines[tenant], api.LogLine{
				Time: time.Now().Add(-ago), Level: "WARNING", Power: "webapp", Function: function, Instance: instance[:8], Message: message,
			})
		}
		shelf.Lines = map[string][]api.LogLine{}
		say(2*time.Minute, "app", full, "overload: the memory is nearly full (95 of 100 MB) with 5 requests in work: 1 answered by 503")
		say(time.Minute, "app", full, "overload: the memory is nearly full (95 of 100 MB) with 9 requests in work: 311 answered by 503")
		say(time.Minute, "admin", full, "overload: the memory is nearly full (95 of 100 MB) with 9 requests in work: 1000 answered by 503")
		say(time.Minute, "app", well, "overload: the memory is nearly full, says a person: many answered by 503")
		return api.Status{Project: of.Name, State: "live", Release: 1, Functions: []api.FunctionStatus{
			{Name: "app", Instances: []api.InstanceStatus{{Allocation: full}, {Allocation: well}}},
		}}, nil
	}
	for _, away := range []bool{false, true} { // without the logs all else is told
		shelf.Away = away
		status, err := c.Status(t.Context(), "shop")
		if err != nil {
			t.Fatal(err)
		}
		want := 312
		if away {
			want = 0
		}
		if got := status.Functions[0].Instances; got[0].Refused != want || got[1].Refused != 0 {
			t.Errorf("logs away %v: %d and %d requests were refused, not %d and none", away, got[0].Refused, got[1].Refused, want)
		}
	}
}
