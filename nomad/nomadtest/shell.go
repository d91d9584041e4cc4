package nomadtest

import (
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/nomad/api"
)

// Shell is what becomes of instances that run a shell with a script of echo, exit
// and exec sleep, as those of Conform do.
func Shell(job *api.Job, group string) Behaviour {
	g := lookup(job, group)
	out := Behaviour{After: 100 * time.Millisecond}
	if g.Update != nil {
		out.After = *g.Update.MinHealthyTime
	}
	list, _ := g.Tasks[0].Config["args"].([]any)
	script, _ := list[len(list)-1].(string)
	for _, command := range strings.Split(script, ";") {
		name, rest, _ := strings.Cut(strings.TrimSpace(command), " ")
		switch name {
		case "echo":
			out.Output = append(out.Output, rest)
		case "exit":
			out.Exit, _ = strconv.Atoi(rest)
		case "exec":
			if g.Update == nil {
				out.After = time.Hour
			}
		}
	}
	return out
}
