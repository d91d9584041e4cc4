package tasks

import (
	"context"
	"errors"
	"fmt"
	"time"

	"fngen.dev/fngen/pkg/store"
	ledger "fngen.dev/fngen/pkg/store/tasks"
	"fngen.dev/fngen/pkg/task"
)

// owner is whose tasks they are in the ledger, and home the project: there is one of each.
const (
	owner = "dev@localhost"
	home  = "dev"
)

// open opens the ledger and what processes connect to, once, and takes up what the last
// run has left.
func (s *Service) open(ctx context.Context) error {
	s.opening.Lock()
	defer s.opening.Unlock()
	if s.ledger != nil || s.ending.Err() != nil {
		return s.ending.Err()
	}
	opened, err := store.Open(ctx, s.o.Database)
	if err != nil {
		return err
	}
	row, err := rowOf(ctx, opened)
	if err != nil {
		return errors.Join(err, opened.Close())
	}
	kept := ledger.New(opened, nil)
	left, err := kept.Unfinished(ctx, row.ID)
	if err == nil {
		_, err = kept.Prune(ctx)
	}
	if err == nil {
		s.door, err = newDoor(ctx)
	}
	if err != nil {
		return errors.Join(err, opened.Close())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.store, s.ledger, s.row = opened, kept, row
	for _, u := range left {
		s.later(u.Message, time.Until(u.NextAt))
	}
	if len(left) > 0 {
		s.o.Say("%d task(s) that had not ended go on", len(left))
	}
	return nil
}

// rowOf is the project of the ledger, made when it is not there.
func rowOf(ctx context.Context, s *store.Store) (store.Project, error) {
	p, err := s.ProjectByName(ctx, home)
	if !errors.Is(err, store.ErrNotFound) {
		return p, err
	}
	account, err := s.AccountByEmail(ctx, owner)
	if errors.Is(err, store.ErrNotFound) {
		account, err = s.CreateAccount(ctx, store.Actor{}, owner)
	}
	if err != nil {
		return p, err
	}
	return s.CreateProject(ctx, store.Actor{AccountID: account.ID, Email: owner}, home)
}

// note writes an event into the ledger, and tells it.
func (s *Service) note(e task.Event) {
	e.At, e.Server = time.Now().UTC(), "dev"
	if err := s.ledger.Apply(context.WithoutCancel(s.ending), s.row.ID, []task.Event{e}); err != nil {
		s.o.Say("the ledger of tasks: %v", err)
	}
	s.o.Tell(e)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.announce()
}

// add notes a task, unless its key is that of one that is known, and has it run.
func (s *Service) add(ctx context.Context, m task.Message, key string) (string, error) {
	ctx = context.WithoutCancel(ctx) // what is noted is run
	added, err := s.ledger.Add(ctx, s.row.ID, []task.Message{m}, []string{key})
	if err != nil {
		return "", err
	}
	if added[0].Existing {
		return added[0].ID, nil
	}
	if err := s.ledger.Bury(ctx, s.row.ID, m, nil); err != nil {
		return "", fmt.Errorf("keep payload: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.later(m, 0)
	return m.ID, nil
}

// later has a task wait in its queue after a pause. The caller holds the lock.
func (s *Service) later(m task.Message, pause time.Duration) {
	f := s.function(m.Function)
	if pause <= 0 {
		f.enqueue(m)
		return
	}
	time.AfterFunc(pause, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		f.enqueue(m)
	})
}
