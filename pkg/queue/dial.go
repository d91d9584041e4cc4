package queue

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"fngen.dev/fngen/pkg/task"
)

const (
	// heartbeat decides how soon a connection counts as dead that says nothing: three
	// of them. RabbitMQ then gives its messages to another.
	heartbeat = 5 * time.Second
	dialTime  = 10 * time.Second
	// goodbye is how long a connection may take to be closed in an orderly way.
	goodbye = 2 * time.Second
	// Between two tries to connect it waits a random time, up to a bound that doubles.
	firstPause, lastPause = 100 * time.Millisecond, 10 * time.Second
)

// dial opens a connection. name is what an operator sees it as.
func dial(ctx context.Context, b task.Broker, name string) (*amqp.Connection, error) {
	config := amqp.Config{
		SASL:       []amqp.Authentication{&amqp.PlainAuth{Username: b.Username, Password: b.Password}},
		Heartbeat:  heartbeat,
		Properties: amqp.NewConnectionProperties(),
		Dial: func(network, addr string) (net.Conn, error) {
			conn, err := (&net.Dialer{Timeout: dialTime}).DialContext(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			// The library takes it away when the connection is open.
			return &patient{conn}, conn.SetDeadline(time.Now().Add(dialTime))
		},
	}
	config.Properties.SetClientConnectionName(name)
	if b.CA != "" {
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM([]byte(b.CA)) {
			return nil, errors.New("connect to the broker: its CA is not a certificate in PEM")
		}
		config.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	conn, err := amqp.DialConfig(b.URL, config)
	if err != nil {
		return nil, fmt.Errorf("connect to the broker: %w", err)
	}
	return conn, nil
}

// pause waits before a try to connect, longer with each that failed, and reports
// whether there is to be one.
func pause(ctx context.Context, failed int) bool {
	bound := lastPause
	if failed < 10 {
		bound = min(firstPause<<failed, lastPause)
	}
	timer := time.NewTimer(rand.N(bound))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// hangUp closes a connection, in an orderly way if the broker answers.
func hangUp(conn *amqp.Connection) {
	_ = conn.CloseDeadline(time.Now().Add(goodbye)) // it is thrown away in any case
}

// writeTime is how long a write may wait for a broker that does not read.
const writeTime = 10 * time.Second

// patient is a connection on which no write waits for ever.
type patient struct{ net.Conn }

func (p *patient) Write(b []byte) (int, error) {
	if err := p.SetWriteDeadline(time.Now().Add(writeTime)); err != nil {
		return 0, err
	}
	return p.Conn.Write(b)
}
