package load

import (
	"fmt"
	"strings"
)

const oneOfSeveral = `

@webapp(framework="fastapi", health="%s")
def f%02d():
    app = FastAPI()

    @app.get("/")
    def index():
        return {"version": %d, "function": %[2]d}

    return app
`

// Several is the source of as many small apps as there are health paths: f00, f01
// and so on, each a function of its own. They answer / and nothing else.
func Several(version int, health ...string) string {
	var out strings.Builder
	out.WriteString("from fastapi import FastAPI\n\nfrom fngen.powers import webapp\n")
	for i, path := range health {
		fmt.Fprintf(&out, oneOfSeveral, path, i, version)
	}
	return out.String()
}
