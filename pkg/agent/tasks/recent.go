package tasks

// maxRecent bounds what is remembered of attempts that have ended. It is more than
// a queue hands out between two breaks of a connection.
const maxRecent = 20_000

// recent remembers how messages of the latest attempts were answered: one whose answer
// did not arrive comes again, and is answered so, and not run.
type recent struct {
	answers map[key]answer
	order   []key
	next    int
}

func newRecent() *recent { return &recent{answers: map[key]answer{}} }

func (r *recent) add(k key, a answer) {
	if _, known := r.answers[k]; known {
		return
	}
	if len(r.order) < maxRecent {
		r.order = append(r.order, k)
	} else {
		delete(r.answers, r.order[r.next])
		r.order[r.next] = k
		r.next = (r.next + 1) % maxRecent
	}
	r.answers[k] = a
}

func (r *recent) get(k key) (answer, bool) {
	a, ok := r.answers[k]
	return a, ok
}
