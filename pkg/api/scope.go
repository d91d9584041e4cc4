package api

// Scope is what an API key may do. Each scope includes those before it.
type Scope string

const (
	// ScopePlan reads one project, and asks what a push would do.
	ScopePlan Scope = "plan"
	// ScopeDeploy also changes what runs in that project: push and rollback.
	ScopeDeploy Scope = "deploy"
	// ScopeAccount is a person's key: all projects of the account, and its keys.
	ScopeAccount Scope = "account"
)

var scopeRank = map[Scope]int{ScopePlan: 1, ScopeDeploy: 2, ScopeAccount: 3}

// Includes reports whether a key of scope s may do what takes need. A scope that
// is not known includes nothing, and nothing includes it.
func (s Scope) Includes(need Scope) bool {
	return scopeRank[need] > 0 && scopeRank[s] >= scopeRank[need]
}

// OfProject reports whether s is a scope of keys that belong to one project.
func (s Scope) OfProject() bool { return s == ScopePlan || s == ScopeDeploy }
