package secrettest

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"fngen.dev/fngen/pkg/secret"
)

// Memory is a secret.Store in memory, which passes the suite that the real one does.
// Unlike that one it can be asked for values.
type Memory struct {
	mu       sync.Mutex
	versions map[string][]version
}

type version struct {
	at     time.Time
	values map[string]string // nil when it was deleted
}

// Newest is that of secret.Store.
func (m *Memory) Newest(_ context.Context, project string) (secret.Newest, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := m.versions[project]
	if len(all) == 0 {
		return secret.Newest{Keeps: Keeps}, nil
	}
	v := all[len(all)-1]
	return secret.Newest{Number: len(all), At: v.at, Gone: v.values == nil, Names: slices.Sorted(maps.Keys(v.values)), Keeps: Keeps}, nil
}

// Keeps is what Newest says of it, though it keeps all.
const Keeps = 100

// Old is that of secret.Store.
func (m *Memory) Old(_ context.Context, project string, before time.Time) (out []int, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, v := range m.versions[project] {
		if i < len(m.versions[project])-1 && v.values != nil && v.at.Before(before) {
			out = append(out, i+1)
		}
	}
	return out, nil
}

// Destroy is that of secret.Store.
func (m *Memory) Destroy(_ context.Context, project string, numbers []int) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, n := range numbers {
		if n > 0 && n <= len(m.versions[project]) {
			m.versions[project][n-1].values = nil
		}
	}
	return nil
}

// Has is that of secret.Store.
func (m *Memory) Has(_ context.Context, project string, number int) (bool, error) {
	return m.Values(project, number) != nil, nil
}

// Write is that of secret.Store.
func (m *Memory) Write(_ context.Context, project string, base int, whole bool, set map[string]string, unset []string) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := m.versions[project]
	if len(all) != base || !whole && (base == 0 || all[base-1].values == nil) {
		return 0, secret.ErrConflict
	}
	values := map[string]string{}
	if !whole {
		maps.Copy(values, all[base-1].values)
		for _, name := range unset {
			delete(values, name)
		}
	}
	maps.Copy(values, set)
	if m.versions == nil {
		m.versions = map[string][]version{}
	}
	m.versions[project] = append(all, version{time.Now(), values})
	return base + 1, nil
}

// Delete is that of secret.Store.
func (m *Memory) Delete(_ context.Context, project string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.versions, project)
	return nil
}

// Values are those of a version, nil when it is not there.
func (m *Memory) Values(project string, number int) map[string]string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if all := m.versions[project]; number > 0 && number <= len(all) {
		return all[number-1].values
	}
	return nil
}

// Remove deletes the newest version, as an operator would by hand.
func (m *Memory) Remove(project string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.versions[project][len(m.versions[project])-1].values = nil
}
