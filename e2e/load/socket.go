package load

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gorilla/websocket"
)

// socket is one WebSocket that is kept open, on which messages come back. It may
// be closed with 1012, service restart, at any moment, even between a message and
// its echo: then it is opened anew. Any other end is a failure.
type socket struct {
	dialer websocket.Dialer
	url    string
	sent   int

	conn    *websocket.Conn
	release string
	// arrived has what comes in, and is closed at the connection's end, whose
	// reason is then in ended. It is read at all times, as a browser does: what is
	// written to a connection that the other side has closed may cost its last words.
	arrived chan string
	ended   error
}

func newSocket(t Target, path string) *socket {
	c := newClient(t)
	c.onlyHTTP1()
	return &socket{
		dialer: websocket.Dialer{NetDialContext: c.transport.DialContext, TLSClientConfig: c.transport.TLSClientConfig},
		url:    strings.Replace(t.URL, "http", "ws", 1) + path,
	}
}

func (s *socket) request(ctx context.Context) (answer, error) {
	again := false
	for {
		if s.conn == nil {
			if err := s.dial(ctx); err != nil {
				return answer{s.release, again}, fmt.Errorf("open: %w", err)
			}
		}
		got := answer{s.release, again}
		err := s.exchange(ctx)
		if err == nil {
			return got, nil
		}
		s.close()
		if ctx.Err() != nil || !websocket.IsCloseError(err, websocket.CloseServiceRestart) {
			return got, err
		}
		again = true
	}
}

func (s *socket) dial(ctx context.Context) error {
	conn, resp, err := s.dialer.DialContext(ctx, s.url, http.Header{"Fngen-Probe": {"1"}})
	if resp != nil {
		defer resp.Body.Close()
		s.release = resp.Header.Get("Fngen-Release")
	}
	if err != nil && resp != nil {
		return fmt.Errorf("status %d: %w", resp.StatusCode, err)
	}
	if err != nil {
		return err
	}
	s.conn, s.arrived, s.ended = conn, make(chan string, 16), nil
	go s.read(conn, s.arrived)
	return nil
}

// read ends when the connection does.
func (s *socket) read(conn *websocket.Conn, arrived chan<- string) {
	for {
		_, text, err := conn.ReadMessage()
		if err != nil {
			s.ended = err
			close(arrived)
			return
		}
		arrived <- string(text)
	}
}

// exchange sends a message and waits for its echo, or for the reason why the
// connection has ended.
func (s *socket) exchange(ctx context.Context) error {
	s.sent++
	text := "message " + strconv.Itoa(s.sent)
	if err := s.conn.SetWriteDeadline(time.Now().Add(timeout)); err != nil {
		return err
	}
	written := s.conn.WriteMessage(websocket.TextMessage, []byte(text))
	select {
	case got, open := <-s.arrived:
		if !open {
			return s.ended
		}
		if got != text {
			return fmt.Errorf("sent %q and got %q back", text, got)
		}
		return nil
	case <-ctx.Done():
		return errors.Join(written, ctx.Err())
	}
}

// close ends the connection, and what reads from it.
func (s *socket) close() {
	if s.conn == nil {
		return
	}
	_ = s.conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, ""), time.Now().Add(time.Second))
	_ = s.conn.Close()    // what it says was said before
	for range s.arrived { // until the reader has ended
	}
	s.conn = nil
}
